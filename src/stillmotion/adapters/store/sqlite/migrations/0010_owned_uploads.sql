-- Uploads of a subscription. A look-up of another subscription's upload reads no row, as one of an unknown id.
CREATE UNIQUE INDEX uploads_owned ON uploads (subscription_id, id);
