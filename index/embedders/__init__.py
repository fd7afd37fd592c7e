"""The embedders: each turns texts or images into unit vectors of one fixed dimension."""
