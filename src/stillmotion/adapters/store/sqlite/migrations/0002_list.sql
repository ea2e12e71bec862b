-- Generations of a subscription in their order of acceptance.
CREATE INDEX generations_by_owner ON generations (subscription_id, sequence);
