"""Recordings: where labelled and simulated sensor data is found, and how it is read.

Needs pandas, which the API image and the function do not carry: only notebooks, training and the simulator
import from here.
"""
