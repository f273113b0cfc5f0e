"""What is asked of the database in which records and calls are joined: its tables, the joins, and what is left."""

SCHEMA = """
PRAGMA cache_size = -250000;  -- KB; a day of a million calls is about twice that
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE calls (
    request_id TEXT PRIMARY KEY, time REAL, operation TEXT, model TEXT, identity TEXT, error TEXT, audit_id TEXT,
    callers_id TEXT, in_trail INTEGER, in_log INTEGER, file TEXT, record TEXT, way TEXT
);
CREATE TABLE records (
    audit_id TEXT, time REAL, operation TEXT, model TEXT, state TEXT, error TEXT, attempts INTEGER,
    upstream_request_id TEXT, fate TEXT, calls INTEGER, verdict TEXT
);
CREATE TABLE covered (operation TEXT PRIMARY KEY);
"""
INDEXES = """
CREATE INDEX by_audit_id ON records (audit_id);
CREATE INDEX by_upstream ON records (upstream_request_id);
CREATE INDEX by_fate ON records (fate, time);
CREATE INDEX by_record ON calls (record, time);
"""
ADD_CALL = """
INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)
ON CONFLICT (request_id) DO UPDATE SET
    in_trail = in_trail OR excluded.in_trail, in_log = in_log OR excluded.in_log,
    model = coalesce(nullif(model, ''), excluded.model),
    identity = coalesce(nullif(identity, ''), excluded.identity),
    audit_id = coalesce(nullif(audit_id, ''), excluded.audit_id),
    callers_id = coalesce(nullif(callers_id, ''), excluded.callers_id)
"""
ADD_RECORD = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)"
# Without the condition a call without an id would be that of any record without one.
BY_REQUEST_ID = """
UPDATE calls SET record = (SELECT audit_id FROM records WHERE upstream_request_id = calls.request_id)
WHERE request_id != ''
"""
BY_AUDIT_ID = """
SELECT calls.request_id, calls.operation AS called, records.* FROM calls JOIN records USING (audit_id)
WHERE record IS NULL AND abs(calls.time - records.time) <= ?
AND NOT (state = 'DENIED' AND coalesce(attempts, 0) = 0) ORDER BY calls.time
"""
WITHOUT_AN_ID = "SELECT * FROM calls WHERE record IS NULL AND audit_id = '' AND NOT in_trail ORDER BY time"
OPEN_RECORDS = """
SELECT audit_id, operation FROM records WHERE fate = ? AND time BETWEEN ? AND ? AND model = ?
AND operation NOT IN ('InvokeModel', 'InvokeModelWithResponseStream')
AND NOT EXISTS (SELECT 1 FROM calls WHERE record = records.audit_id) ORDER BY time
"""
COUNT_CALLS = "UPDATE records SET calls = (SELECT count(*) FROM calls WHERE record = records.audit_id)"
JUDGE = """
UPDATE records SET verdict = CASE
    WHEN calls THEN 'crossed' WHEN fate = ? THEN 'not sent' WHEN time >= ? THEN 'under way'
    WHEN operation NOT IN (SELECT operation FROM covered) THEN 'not covered'
    WHEN fate = ? THEN 'without a call' ELSE 'no trace' END
"""
# Whether those of denied requests or all others, a pattern of identities, then the range.
CALLS_WITHOUT_RECORD = """
SELECT *, EXISTS (SELECT 1 FROM records WHERE audit_id = calls.audit_id) AS claims_a_record FROM calls
WHERE record IS NULL
AND EXISTS (
    SELECT 1 FROM records WHERE audit_id = calls.audit_id AND state = 'DENIED' AND coalesce(attempts, 0) = 0
) = ?
AND identity GLOB ? AND time >= ? AND time < ? ORDER BY time
"""
ODD_IDS = """
SELECT * FROM calls WHERE record IS NOT NULL AND time >= ? AND time < ? AND (
    way = ? OR audit_id NOT IN ('', record) OR callers_id NOT IN ('', record)
    OR audit_id = '' AND (in_trail OR EXISTS (
        SELECT 1 FROM records WHERE audit_id = calls.record
        AND operation IN ('InvokeModel', 'InvokeModelWithResponseStream')
    ))
) ORDER BY time
"""
CALL_COUNTS = """
SELECT date(time, 'unixepoch') AS day, sum(in_trail) AS trail, sum(in_log) AS log, count(record) AS joined,
    sum(record IS NULL AND identity GLOB ?1) AS without, sum(record IS NULL AND NOT identity GLOB ?1) AS others
FROM calls WHERE time >= ?2 AND time < ?3 GROUP BY day ORDER BY day
"""
RECORD_COUNTS = """
SELECT date(time, 'unixepoch') AS day, verdict, operation, count(*) AS records FROM records
WHERE time >= ? AND time < ? GROUP BY day, verdict, operation ORDER BY day, verdict, operation
"""
