"""Fleets of devices without devices: simulated hydraulics, or the replay of a recording, sent to Pub/Sub or to files.

    python -m simulator --help

As a library: `simulator.water.simulate` and `simulator.replay.load` give a `Fleet`, and
`simulator.publisher.publish` sends its recordings.
"""
