# The devices' states: one database that only the function uses, and that no slip deletes.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "states_are_shared_protected_and_not_indexed" {
  command = plan

  assert {
    condition     = google_firestore_database.this.type == "FIRESTORE_NATIVE"
    error_message = "The database is not in native mode, which the store is written for."
  }
  assert {
    condition     = google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "Somebody could delete the database by hand."
  }
  assert {
    condition     = google_firestore_database.this.deletion_policy == "PREVENT"
    error_message = "A slip in Terraform would delete the database."
  }
  assert {
    condition     = google_firestore_database.this.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_DISABLED"
    error_message = "Seven days of versions are paid for though nobody asked for them."
  }
  assert {
    condition = (
      toset([for f in google_firestore_field.unindexed : "${f.collection}.${f.field}"]) == toset([
        "devices.counts", "devices.state", "calibrations.data", "quiet.data", "sweeps.data",
      ]) &&
      alltrue([for f in google_firestore_field.unindexed : length(f.index_config) == 1 && length(f.index_config[0].indexes) == 0])
    )
    error_message = "Windows or counts are indexed."
  }
  assert {
    condition = (
      google_firestore_field.parked_expiry.collection == "parked" && google_firestore_field.parked_expiry.field == "expires_at" &&
      length(google_firestore_field.parked_expiry.ttl_config) == 1
    )
    error_message = "Counted messages stay in the database for ever."
  }
  assert {
    condition = alltrue([
      for f in concat(values(google_firestore_field.unindexed), [google_firestore_field.parked_expiry]) : f.database == "aiot"
    ])
    error_message = "The fields are configured in another database."
  }
  assert {
    condition     = google_project_iam_member.function_database.role == "roles/datastore.user"
    error_message = "The function may not use the database, or may do more."
  }
  assert {
    condition     = google_project_iam_member.function_database.condition[0].expression == "resource.name == \"projects/aiot-test/databases/aiot\""
    error_message = "The function may use other databases than its own."
  }
}
