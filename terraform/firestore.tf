# The state of each device between two messages, which all instances of the function share.

resource "google_firestore_database" "this" {
  name        = "aiot${local.suffix}"
  location_id = var.region
  type        = "FIRESTORE_NATIVE"

  point_in_time_recovery_enablement = (
    var.firestore.point_in_time_recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
  )

  # the one holds for Terraform, the other for everybody
  deletion_policy         = var.deletion_protection ? "PREVENT" : "DELETE"
  delete_protection_state = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"

  depends_on = [google_project_service.this]
}

# A device is found by its name or by when it is due, and never by its window or its counts: indexes on them would cost
# writes and storage.
resource "google_firestore_field" "unindexed" {
  for_each = { for f in ["devices.counts", "devices.state", "calibrations.data", "quiet.data", "sweeps.data"] : f => split(".", f) }

  database   = google_firestore_database.this.name
  collection = each.value[0]
  field      = each.value[1]

  index_config {}
}

# Parked messages are counted once by their id; after a while no delivery can repeat them, and they go.
resource "google_firestore_field" "parked_expiry" {
  database   = google_firestore_database.this.name
  collection = "parked"
  field      = "expires_at"

  ttl_config {}
  # times that only grow would all be written to the same end of an index
  index_config {}
}

# Roles are given on projects; the condition leaves this database only.
resource "google_project_iam_member" "function_database" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = google_service_account.this["function"].member

  condition {
    title       = "database ${google_firestore_database.this.name}"
    description = "Only the database that keeps the devices' states"
    expression  = "resource.name == \"projects/${var.project_id}/databases/${google_firestore_database.this.name}\""
  }
}
