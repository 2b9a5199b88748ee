# One page that shows whether the pipeline works: calls, messages, decisions. Metrics that do not exist yet leave a chart
# empty until they do.

locals {
  # how PromQL names what is looked at
  series = {
    api      = "monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloud_run_v2_service.api.name}\""
    function = "monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloudfunctions2_function.this.name}\""
    push     = "monitored_resource=\"pubsub_subscription\",subscription_id=\"${google_pubsub_subscription.push.name}\""
    parked   = "monitored_resource=\"pubsub_topic\",topic_id=\"${google_pubsub_topic.this["readings-parked"].name}\""
    decided  = "monitored_resource=\"pubsub_topic\",topic_id=\"${google_pubsub_topic.this["decisions"].name}\""
    dead = format(
      "monitored_resource=\"pubsub_subscription\",subscription_id=~\"%s\"",
      join("|", [for name, s in google_pubsub_subscription.pull : s.name if endswith(name, "-dead")])
    )
  }

  # a chart: legend => what it draws; where several lines come of one query, Cloud Monitoring names them
  charts = concat(
    flatten([
      for what in ["api", "function"] : [
        {
          title = "Requests a second: ${what}"
          lines = {
            "" = "sum by (response_code_class) (rate(run_googleapis_com:request_count{${local.series[what]}}[5m]))"
          }
        },
        {
          title = "Latency in ms: ${what}"
          lines = {
            for p in ["0.50", "0.99"] : "p${trimprefix(p, "0.")}" =>
            "histogram_quantile(${p}, sum by (le) (rate(run_googleapis_com:request_latencies_bucket{${local.series[what]}}[5m])))"
          }
        },
        {
          title = "Errors, share of requests: ${what}"
          lines = { errors = local.error_share[what] }
        },
        {
          title = "Instances: ${what}"
          lines = { "" = "sum by (state) (run_googleapis_com:container_instance_count{${local.series[what]}})" }
        },
      ]
    ]),
    [
      {
        title = "Readings that wait, messages"
        lines = { waiting = "sum(pubsub_googleapis_com:subscription_num_undelivered_messages{${local.series.push}})" }
      },
      {
        title = "Readings that wait, age of the oldest in s"
        lines = { oldest = "max(pubsub_googleapis_com:subscription_oldest_unacked_message_age{${local.series.push}})" }
      },
      {
        title = "Dead letters that wait, messages"
        lines = { "" = local.dead_letters }
      },
      {
        title = "Parked messages an hour"
        lines = { parked = local.parked_an_hour }
      },
      {
        title = "Decisions a second"
        lines = { decisions = "sum(rate(pubsub_googleapis_com:topic_send_message_operation_count{${local.series.decided}}[5m]))" }
      },
      {
        title = "Incidents opened an hour"
        lines = {
          "" = "sum by (profile) (increase(logging_googleapis_com:user_${local.incident_metric}{${local.series.function}}[1h]))"
        }
      },
    ],
  )

  # what the charts and the alerts look at alike
  error_share = {
    for what in ["api", "function"] : what => join(" / ", [
      "sum(rate(run_googleapis_com:request_count{${local.series[what]},response_code_class=\"5xx\"}[5m]))",
      "sum(rate(run_googleapis_com:request_count{${local.series[what]}}[5m]))",
    ])
  }
  dead_letters   = "sum by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{${local.series.dead}})"
  parked_an_hour = "sum(increase(pubsub_googleapis_com:topic_send_message_operation_count{${local.series.parked}}[1h]))"

  incident_metric = replace("aiot_incidents_opened${local.suffix}", "-", "_")
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = "AIoT anomaly detection${local.suffix}"
    mosaicLayout = {
      columns = 48
      tiles = [
        for i, chart in local.charts : {
          for key, value in {
            # two in a row
            xPos   = i % 2 * 24
            yPos   = floor(i / 2) * 12
            width  = 24
            height = 12
            widget = {
              title = chart.title
              xyChart = {
                dataSets = [
                  for legend, query in chart.lines : {
                    for key, value in {
                      plotType        = "LINE"
                      targetAxis      = "Y1"
                      legendTemplate  = legend
                      timeSeriesQuery = { prometheusQuery = query }
                    } : key => value if value != ""
                  }
                ]
              }
            }
            # the API answers without zeros, and each plan would want to put them back
          } : key => value if value != 0
        }
      ]
    }
  })

  depends_on = [google_project_service.this]
}

# Counted for the dashboard. The alert reads the log itself: Cloud Monitoring refuses an alert on a metric that has just
# been made.
resource "google_logging_metric" "incidents_opened" {
  name        = local.incident_metric
  description = "Incidents that the function opened"
  filter      = local.incident_opened

  label_extractors = {
    profile = "EXTRACT(jsonPayload.profile)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    labels {
      key         = "profile"
      value_type  = "STRING"
      description = "Kind of device"
    }
  }

  depends_on = [google_project_service.this]
}
