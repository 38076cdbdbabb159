-- columns: those of freshness and `age_days`, days from the watermark to the last day that has closed
--          where the account lives
SELECT
    f.*,
    describe_freshness(f.watermark, d.today) AS freshness,
    d.today - 1 - f.watermark AS age_days
FROM freshness AS f
LEFT JOIN zone_days AS d ON d.timezone = f.timezone
WHERE $org_id::VARCHAR IS NULL OR f.org_id = $org_id
ORDER BY f.org_id, f.source, f.account_id, f.stream
