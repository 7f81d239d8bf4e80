"""Sweeps: the fast phase for very many mu, on one machine or over a Dask cluster."""
