"""What the product does in what time, measured on the real process between the stand-ins."""
