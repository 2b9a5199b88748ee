# The buckets: closed, and the state's keeps what a slip would overwrite.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "buckets_are_closed_and_the_state_has_versions" {
  command = plan

  assert {
    condition = alltrue([
      for b in [google_storage_bucket.sources, google_storage_bucket.training, google_storage_bucket.state] : b.public_access_prevention == "enforced"
    ])
    error_message = "A bucket could be made public."
  }
  assert {
    condition = alltrue([
      for b in [google_storage_bucket.sources, google_storage_bucket.training, google_storage_bucket.state] : b.uniform_bucket_level_access
    ])
    error_message = "Objects of a bucket could have rights of their own."
  }
  assert {
    condition     = google_storage_bucket.state.versioning[0].enabled
    error_message = "The bucket of the state keeps no versions."
  }
  assert {
    condition = (
      one(google_storage_bucket.state.lifecycle_rule[0].condition).num_newer_versions == 20 &&
      one(google_storage_bucket.state.lifecycle_rule[0].condition).with_state == "ARCHIVED"
    )
    error_message = "The bucket of the state does not keep its twenty newest versions."
  }
  assert {
    condition     = !google_storage_bucket.state.force_destroy && !google_storage_bucket.training.force_destroy
    error_message = "A slip would delete the state or what training left."
  }
  assert {
    condition = (
      one(google_storage_bucket.training.lifecycle_rule[0].action).type == "Delete" &&
      one(google_storage_bucket.training.lifecycle_rule[0].condition).age == 180
    )
    error_message = "What training left stays for ever."
  }
  assert {
    condition     = one(google_storage_bucket.sources.lifecycle_rule[0].condition).matches_prefix == tolist(["builds/"])
    error_message = "The clean-up of sources could delete the function's archive."
  }
}
