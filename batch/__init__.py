"""A fleet's history on a runner that scales: an Apache Beam pipeline from recordings to decisions and incidents."""
