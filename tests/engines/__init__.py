"""Scans on threads, Ray and Dask: real clusters of processes on this machine."""
