# The Docker images: `serving`, which Cloud Build makes from serving/cloudbuild.yaml, and the function's.

resource "google_artifact_registry_repository" "images" {
  repository_id = "aiot-anomaly${local.suffix}"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the inference API and of the function"

  cleanup_policy_dry_run = false

  # where both policies meet, keeping wins
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = var.images.keep_recent
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "${var.images.delete_after_days * 86400}s"
    }
  }

  depends_on = [google_project_service.this]
}
