-- For what is asked of growing tables again and again.
CREATE INDEX idx_rollouts_open ON rollouts(id) WHERE state IN ('running', 'stopping');
CREATE INDEX idx_rollout_hosts_under_way ON rollout_hosts(rollout_id) WHERE step IN ('running', 'testing');
