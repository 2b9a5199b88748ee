# For trying things out: nothing costs money while nobody uses it, and everything can be torn down.
environment         = "dev"
deletion_protection = false

api      = { min_instances = 0, max_instances = 2 }
function = { min_instances = 0, max_instances = 2 }

firestore = { point_in_time_recovery = false }
pubsub    = { replay_days = 1, kept_days = 7 }
bigquery  = { readings_days = 7, decisions_days = 30 }
images    = { keep_recent = 3, delete_after_days = 7 }
buckets   = { artifact_days = 30 }

# only when somebody starts it
training_schedule = null
