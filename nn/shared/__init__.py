"""What all backends share: the flat parameter vector, layer tables, packed sequences, codes, scalar maths, random bits."""
