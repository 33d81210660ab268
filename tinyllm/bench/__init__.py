"""Measurements of this machine: tinyllm beside PyTorch, and both beside what the processor allows.

Nothing is loaded here: a worker process imports only the side that it measures.
"""
