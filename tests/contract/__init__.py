"""The contract with Microsoft: our calls and the stand-in's answers, judged by its own schema."""
