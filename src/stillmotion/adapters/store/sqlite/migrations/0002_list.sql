-- A subscription's own generations in the order in which they were accepted.
CREATE INDEX generations_by_owner ON generations (subscription_id, sequence);
