"""Money while everything dies: an installation of its own, a Stripe that misbehaves, and kill -9 at random moments."""
