"""The program `intune`: Microsoft Intune holds the token; we speak with it through Graph."""
