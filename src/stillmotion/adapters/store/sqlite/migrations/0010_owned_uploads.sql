-- A subscription's own uploads. Answers for another's upload without looking at its row, as it does for one that never was.
CREATE UNIQUE INDEX uploads_owned ON uploads (subscription_id, id);
