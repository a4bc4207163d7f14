-- What an agent has is asked for when they may no longer converse.
CREATE INDEX work_items_of_agent ON work_items (workspace_id, agent_id) WHERE state = 'accepted';
