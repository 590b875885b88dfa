"""Claims about the product, and the stand-ins they are tried on."""
