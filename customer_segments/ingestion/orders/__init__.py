"""Orders: by what they are told apart, and which of them stand in a later source again."""
