"""The rules of delivery: pure, without clock, randomness or input and output."""
