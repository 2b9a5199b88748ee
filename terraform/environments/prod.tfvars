# For real devices: an instance is always warm, states can be recovered, and no slip deletes anything.
environment         = "prod"
deletion_protection = true

api      = { min_instances = 1, max_instances = 20 }
function = { min_instances = 1, max_instances = 20 }

firestore = { point_in_time_recovery = true }
pubsub    = { replay_days = 7, kept_days = 31 }
bigquery  = { readings_days = 400, decisions_days = 0 }
images    = { keep_recent = 20, delete_after_days = 90 }
buckets   = { artifact_days = 400 }

training_schedule = "0 3 * * 0"
