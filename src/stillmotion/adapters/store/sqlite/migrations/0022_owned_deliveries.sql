-- Deliveries of a subscription by state, the newest first.
ALTER TABLE deliveries ADD COLUMN subscription_id TEXT NOT NULL DEFAULT '';
UPDATE deliveries SET subscription_id = (
    SELECT g.subscription_id FROM generations g WHERE g.id = deliveries.generation_id
);
CREATE INDEX deliveries_owned ON deliveries (subscription_id, state, sequence);
