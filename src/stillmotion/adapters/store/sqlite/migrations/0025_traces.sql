-- Identity of the span that queued a generation (W3C Trace Context); empty without tracing.
ALTER TABLE generations ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';
