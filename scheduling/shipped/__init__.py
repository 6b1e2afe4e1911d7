"""The catalogue that a new clinic starts with: two modules of data, and ``ship`` brings them."""
