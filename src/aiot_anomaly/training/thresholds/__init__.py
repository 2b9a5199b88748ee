"""Where an alarm begins: a small family of rules, all from held-back normal scores and nothing else.

Each takes normal scores that neither weights nor calibration were fitted on, and gives a raw score that is to be 1.0.
The profile says which one counts (`threshold.method`); 03_threshold shows them beside each other.
"""
