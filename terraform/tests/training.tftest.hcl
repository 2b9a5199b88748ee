# Training: a job a profile that may write its bucket and nothing else, started by the scheduler.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "jobs_write_their_bucket_and_are_started_weekly" {
  assert {
    condition     = toset([for j in google_cloud_run_v2_job.training : j.name]) == toset(["aiot-training-leak"])
    error_message = "There is no training job for the profile `leak`, or another one."
  }
  assert {
    condition     = google_cloud_run_v2_job.training["leak"].template[0].template[0].containers[0].args == tolist(["train", "leak", "--out", "/artifacts"])
    error_message = "The job is not told what to train and where to leave it."
  }
  assert {
    condition     = google_cloud_run_v2_job.training["leak"].template[0].template[0].containers[0].image == "us-docker.pkg.dev/cloudrun/container/job"
    error_message = "Without a built image, the first apply cannot make the job."
  }
  assert {
    condition     = google_cloud_run_v2_job.training["leak"].template[0].template[0].service_account == "training@example"
    error_message = "The job does not run as its own account."
  }
  assert {
    condition = (
      google_cloud_run_v2_job.training["leak"].template[0].template[0].containers[0].volume_mounts[0].mount_path == "/artifacts" &&
      google_cloud_run_v2_job.training["leak"].template[0].template[0].containers[0].volume_mounts[0].name ==
      google_cloud_run_v2_job.training["leak"].template[0].template[0].volumes[0].name
    )
    error_message = "What the job leaves in /artifacts is lost."
  }
  assert {
    condition = (
      google_cloud_run_v2_job.training["leak"].template[0].template[0].volumes[0].gcs[0].bucket == "aiot-test-aiot-training" &&
      !google_cloud_run_v2_job.training["leak"].template[0].template[0].volumes[0].gcs[0].read_only
    )
    error_message = "The job cannot write the bucket of artifacts."
  }
  assert {
    condition     = google_cloud_run_v2_job.training["leak"].template[0].template[0].volumes[0].gcs[0].mount_options == tolist(["uid=10001", "gid=10001"])
    error_message = "The mounted bucket does not belong to the image's user."
  }
  assert {
    condition     = google_cloud_run_v2_job.training["leak"].template[0].template[0].execution_environment == "EXECUTION_ENVIRONMENT_GEN2"
    error_message = "The job cannot mount a bucket."
  }
  assert {
    condition     = google_cloud_run_v2_job.training["leak"].template[0].template[0].timeout == "21600s"
    error_message = "A training that hangs is not given up after six hours."
  }
  assert {
    condition = (
      google_storage_bucket_iam_member.training_artifacts.bucket == google_storage_bucket.training.name &&
      google_storage_bucket_iam_member.training_artifacts.role == "roles/storage.objectUser" &&
      google_storage_bucket_iam_member.training_artifacts.member == "serviceAccount:training@example"
    )
    error_message = "The training account may not write the bucket of artifacts, or may do more."
  }
  assert {
    condition     = google_cloud_scheduler_job.training["leak"].schedule == "0 3 * * 0"
    error_message = "The job is not started weekly."
  }
  assert {
    condition = (
      google_cloud_scheduler_job.training["leak"].http_target[0].http_method == "POST" &&
      google_cloud_scheduler_job.training["leak"].http_target[0].uri ==
      "https://run.googleapis.com/v2/projects/aiot-test/locations/europe-west1/jobs/aiot-training-leak:run"
    )
    error_message = "The scheduler calls something else than the job."
  }
  assert {
    condition     = google_cloud_scheduler_job.training["leak"].http_target[0].oauth_token[0].service_account_email == "scheduler@example"
    error_message = "The scheduler does not call the job as its own account."
  }
  assert {
    condition = (
      google_cloud_run_v2_job_iam_member.scheduler["leak"].name == "aiot-training-leak" &&
      google_cloud_run_v2_job_iam_member.scheduler["leak"].role == "roles/run.invoker" &&
      google_cloud_run_v2_job_iam_member.scheduler["leak"].member == "serviceAccount:scheduler@example"
    )
    error_message = "The scheduler may not start the job, or may do more."
  }
}

# the same state as above: what the delivery has deployed in the meantime must stay
run "a_later_image_of_the_job_is_left_alone_and_the_rest_is_a_variable" {
  command = plan

  variables {
    training          = { profiles = ["leak", "skab"], first_image = "example.com/another/image", cpu = 8, memory = "16Gi" }
    training_schedule = null
  }

  assert {
    condition     = google_cloud_run_v2_job.training["leak"].template[0].template[0].containers[0].image == "us-docker.pkg.dev/cloudrun/container/job"
    error_message = "An apply would replace the job's image that was deployed."
  }
  assert {
    condition     = google_cloud_run_v2_job.training["skab"].template[0].template[0].containers[0].args[1] == "skab"
    error_message = "A second profile has no job of its own."
  }
  assert {
    condition     = google_cloud_run_v2_job.training["leak"].template[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "8", memory = "16Gi" })
    error_message = "The job has not the CPU and memory that were asked for."
  }
  assert {
    condition     = length(google_cloud_scheduler_job.training) == 0
    error_message = "Training is started though its schedule was taken away."
  }
}
