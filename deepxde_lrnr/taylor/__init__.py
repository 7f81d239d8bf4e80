"""Taylor mode in double precision: jets of activations and of feature transforms."""
