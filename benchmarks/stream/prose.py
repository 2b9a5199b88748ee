"""What docs/stream.md says beside the figures."""

from __future__ import annotations

TITLE = """# How fast the stream is

*Made by `make bench-stream`, which measures everything below in one run on one machine.*

![Messages a second, latency, where the time goes, and what more devices change](stream.png)"""

SETUP = """Measured at {measured_at} on {processor} with {cores} cores, commit {commit}: Pub/Sub ({pubsub} emulator),
the API, the function under functions-framework and the load generator all share them; {load:g} other processes were
running when it began. The profile is `{profile}`, of which each reading is a window, a call of the API and a decision.
Every device has its full window and a calibration of its own. What stands beside the function gets the same messages
from the same Pub/Sub in the same rounds, the order changed in each; figures are the rounds' medians, and ratios those
of rounds.

- **bare** only acknowledges: what Pub/Sub, HTTP and the framework cost by themselves.
- **skeleton** makes one store write, one API call and one publish a message, each awaited, with Google's and httpx's
  clients as their documentation shows them, and SQLite as safe from a power cut as ours. It keeps no window, and so can
  neither order nor de-duplicate nor survive a crash: [its code](../benchmarks/stream/contenders/skeleton.py).
- **function** is the one that is deployed, with its state in SQLite or in the Firestore emulator, which is no measure
  of Firestore itself."""

RATES = """## Messages a second

All messages wait when it begins, and are worked off as fast as it goes; {threads} at a time."""

LATENCIES = """## From publish to decision

Messages at a constant rate, 60 % of the above; latency counts from the moment at which a message was due, so that what
waits behind a slow one is slow itself."""

STEPS = """## Where the time goes

Mean of a message, in milliseconds, at that rate; waiting for others on the same cores is in it, and the step's own CPU
time in parentheses."""

GROWN = """## With more devices

SQLite, one reading a message, of any of the devices in turn; latency at the same rate for all. Of 100,000 devices each
message is of one whose state and calibration nobody has looked at for long. The emulator of Pub/Sub slows down with the
number of ordering keys that a subscription keeps: a bare function took half as long again with a key for each device,
and publishing twice as long. So all readings have the same number of keys, and decisions, of which each device has its
key, go to a subscription without order."""
