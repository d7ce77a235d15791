"""Pictures that strangers send: told by their first bytes, and written anew before anybody is shown them."""
