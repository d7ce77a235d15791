"""Small pages for people: signing in and out. Everything they do, the API does too, through the same services."""
