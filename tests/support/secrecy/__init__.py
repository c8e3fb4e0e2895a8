"""A whole Carillon whose every secret can be recognised, and all that it says while much goes wrong."""
