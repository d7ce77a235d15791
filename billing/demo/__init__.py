"""What the demo brings along for money: a stand-in for Stripe."""
