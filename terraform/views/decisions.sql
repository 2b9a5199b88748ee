-- One row a decision. The same decision can be published twice, and a message can be written twice: the first counts.
WITH messages AS (
  SELECT
    publish_time,
    message_id,
    -- NULL where it is no JSON
    SAFE.PARSE_JSON(data, wide_number_mode => 'round') AS decision
  FROM `${table}`
),
decisions AS (
  SELECT
    JSON_VALUE(decision, '$.id') AS id,
    JSON_VALUE(decision, '$.profile') AS profile,
    JSON_VALUE(decision, '$.device_id') AS device_id,
    SAFE_CAST(JSON_VALUE(decision, '$.window_end') AS TIMESTAMP) AS window_end,
    SAFE_CAST(JSON_VALUE(decision, '$.is_anomaly') AS BOOL) AS is_anomaly,
    SAFE_CAST(JSON_VALUE(decision, '$.score') AS FLOAT64) AS score,
    SAFE_CAST(JSON_VALUE(decision, '$.severity') AS FLOAT64) AS severity,
    JSON_VALUE(decision, '$.reason') AS reason,
    JSON_VALUE(decision, '$.incident.id') AS incident_id,
    JSON_VALUE(decision, '$.incident.state') AS incident_state,
    SAFE_CAST(JSON_VALUE(decision, '$.incident.opened_at') AS TIMESTAMP) AS incident_opened_at,
    SAFE_CAST(JSON_VALUE(decision, '$.incident.peak_score') AS FLOAT64) AS incident_peak_score,
    JSON_QUERY(decision, '$.contributions') AS contributions,
    JSON_QUERY(decision, '$.values') AS measured,
    JSON_QUERY(decision, '$.expected') AS expected,
    JSON_QUERY(decision, '$.out_of_range') AS out_of_range,
    JSON_QUERY(decision, '$.filled') AS filled,
    JSON_VALUE(decision, '$.calibration') AS calibration,
    JSON_VALUE(decision, '$.model_version') AS model_version,
    SAFE_CAST(JSON_VALUE(decision, '$.decided_at') AS TIMESTAMP) AS decided_at,
    publish_time,
    message_id
  FROM messages
)
SELECT *
FROM decisions
WHERE id IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY publish_time, message_id) = 1
