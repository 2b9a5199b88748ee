# The images: old ones go, recent ones stay.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "old_images_are_deleted_and_recent_ones_kept" {
  command = plan

  assert {
    condition     = one([for p in google_artifact_registry_repository.images.cleanup_policies : p.most_recent_versions[0].keep_count if p.action == "KEEP"]) == 10
    error_message = "The ten newest versions are not kept."
  }
  assert {
    condition     = one([for p in google_artifact_registry_repository.images.cleanup_policies : p.condition[0].older_than if p.action == "DELETE"]) == "2592000s"
    error_message = "Versions older than 30 days are not deleted."
  }
  assert {
    condition     = google_artifact_registry_repository.images.format == "DOCKER"
    error_message = "It is no Docker repository."
  }
  assert {
    condition     = !google_artifact_registry_repository.images.cleanup_policy_dry_run
    error_message = "The clean-up of images only pretends."
  }
}
