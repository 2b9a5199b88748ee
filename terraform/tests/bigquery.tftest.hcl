# BigQuery: every message is written or set aside, and the views read the tables that Pub/Sub writes.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "messages_are_written_or_set_aside" {
  assert {
    condition = (
      { for name, s in google_pubsub_subscription.bigquery : name => s.topic } ==
      { for name in ["readings", "decisions"] : name => google_pubsub_topic.this[name].id }
    )
    error_message = "BigQuery does not read along on `readings` and `decisions`."
  }
  assert {
    condition = (
      { for name, s in google_pubsub_subscription.bigquery : name => s.bigquery_config[0].table } ==
      { for name in ["readings", "decisions"] : name => "aiot-test.aiot.${name}_messages" }
    )
    error_message = "Messages are written to other tables than their own."
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.bigquery : s.bigquery_config[0].write_metadata])
    error_message = "Rows come without publish_time, which doubles are told apart by."
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.bigquery : s.bigquery_config[0].service_account_email == "archivist@example"])
    error_message = "Pub/Sub writes the tables as another account than the archivist."
  }
  assert {
    condition     = google_service_account_iam_member.pubsub_tokens["archivist"].service_account_id == "sa/archivist"
    error_message = "Pub/Sub's own account may not act as the archivist."
  }
  assert {
    condition = (
      { for name, m in google_bigquery_table_iam_member.archivist : name => "${m.dataset_id}.${m.table_id} ${m.role} ${m.member}" } ==
      { for name in ["readings", "decisions"] : name => "aiot.${name}_messages roles/bigquery.dataEditor serviceAccount:archivist@example" }
    )
    error_message = "The archivist may not write the two tables, or may do more."
  }
  assert {
    condition = alltrue([
      for s in google_pubsub_subscription.bigquery : s.dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.this["bigquery-dead"].id
    ])
    error_message = "What BigQuery refuses is lost after a week."
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.bigquery : s.dead_letter_policy[0].max_delivery_attempts == 100])
    error_message = "An outage of BigQuery would make dead letters of good messages."
  }
  assert {
    condition = (
      google_pubsub_topic_iam_member.dead_letters["bigquery-dead"].topic == "bigquery-dead" &&
      toset([for m in google_pubsub_subscription_iam_member.bigquery_dead_letters : "${m.subscription} ${m.role} ${m.member}"]) ==
      toset([
        for name in ["readings", "decisions"] :
        "${name}-bigquery roles/pubsub.subscriber serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
      ])
    )
    error_message = "Pub/Sub's own account may not set aside what BigQuery refuses."
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.bigquery : s.expiration_policy[0].ttl == ""])
    error_message = "A BigQuery subscription expires when nothing is published for a month."
  }
  assert {
    condition = alltrue([
      for t in google_bigquery_table.messages :
      { for c in jsondecode(t.schema) : c.name => c.type } ==
      { subscription_name = "STRING", message_id = "STRING", publish_time = "TIMESTAMP", attributes = "JSON", data = "STRING" }
    ])
    error_message = "The tables do not have the columns that a BigQuery subscription writes."
  }
  assert {
    condition     = alltrue([for t in google_bigquery_table.messages : t.time_partitioning[0].type == "DAY" && t.time_partitioning[0].field == "publish_time"])
    error_message = "Every query would read the whole table."
  }
  assert {
    condition = (
      google_bigquery_table.messages["readings"].time_partitioning[0].expiration_ms == 7776000000 &&
      google_bigquery_table.messages["decisions"].time_partitioning[0].expiration_ms == 63072000000
    )
    error_message = "Readings do not stay for 90 days, or decisions not for two years."
  }
  assert {
    condition     = alltrue([for t in google_bigquery_table.messages : t.deletion_protection]) && !google_bigquery_dataset.this.delete_contents_on_destroy
    error_message = "A slip would delete the archive."
  }
  assert {
    condition = alltrue([
      for name, v in google_bigquery_table.view :
      v.table_id == name && !v.view[0].use_legacy_sql && strcontains(v.view[0].query, "`aiot-test.aiot.${name}_messages`")
    ])
    error_message = "A view does not read the table of its messages."
  }
  assert {
    condition     = strcontains(google_bigquery_table.view["decisions"].view[0].query, "PARTITION BY id ORDER BY publish_time")
    error_message = "The view of decisions shows doubles."
  }
}
