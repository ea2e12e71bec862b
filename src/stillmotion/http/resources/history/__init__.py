"""What an owner finds of past generations, and does with them."""
