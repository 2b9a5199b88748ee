-- One row a reading; its values are JSON, because each profile has its own sensors. What a device sends twice, and what
-- is written twice, counts once: the first, as in the function.
WITH messages AS (
  SELECT
    publish_time,
    message_id,
    JSON_VALUE(attributes, '$.profile') AS profile,
    -- NULL where it is no JSON; 'round', as else one long number would lose the whole message
    SAFE.PARSE_JSON(data, wide_number_mode => 'round') AS batch
  FROM `${table}`
),
readings AS (
  SELECT
    profile,
    JSON_VALUE(batch, '$.device_id') AS device_id,
    SAFE_CAST(JSON_VALUE(reading, '$.timestamp') AS TIMESTAMP) AS measured_at,
    JSON_QUERY(reading, '$.values') AS measured,
    publish_time,
    message_id
  FROM messages
  CROSS JOIN UNNEST(JSON_QUERY_ARRAY(batch, '$.readings')) AS reading
)
SELECT *
FROM readings
WHERE device_id IS NOT NULL AND measured_at IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY profile, device_id, measured_at ORDER BY publish_time, message_id) = 1
