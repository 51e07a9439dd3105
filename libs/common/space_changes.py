"""What scripts have in common that end what is known of a camera's spaces: replaced spaces, cameras that are off."""

from __future__ import annotations

from typing import Final

CLOSE_SPACE: Final = """
-- The names of a camera's stored spaces, by id.
local function names_of(spaces_key)
    local names = {}
    local is_json, spaces = pcall(cjson.decode, redis.call('GET', spaces_key) or '')
    if is_json and type(spaces) == 'table' then
        for _, space in ipairs(spaces) do
            if type(space) == 'table' and type(space.space_id) == 'string' and type(space.space_name) == 'string' then
                names[space.space_id] = space.space_name
            end
        end
    end
    return names
end

local function now_ms()
    local now = redis.call('TIME')
    return string.format('%d', now[1] * 1000 + math.floor(now[2] / 1000))
end

-- The event that closes what is known of a space, so that no history stays open; nil where nothing is.
local function closing_event(id, name, stored, at_ms, reason)
    local is_status, status = pcall(cjson.decode, stored)
    if not (is_status and type(status) == 'table' and (status.state == 'occupied' or status.state == 'free')) then
        return nil
    end
    local event = {'space_id', id, 'space_name', name or id, 'state', 'unknown',
        'previous', status.state, 'at_ms', at_ms, 'reason', reason}
    if type(status.track_id) == 'number' then
        event[#event + 1], event[#event + 2] = 'track_id', string.format('%d', status.track_id)
    end
    return event
end
"""
"""Functions in Lua, for scripts that begin with them."""

REPLACE_SPACES: Final = f"""{CLOSE_SPACE}
local function replace_spaces(spaces_key, occupancy_key, events_key, new, new_ids)
    local remain, names, at_ms = {{}}, names_of(spaces_key), now_ms()
    for _, id in ipairs(new_ids) do remain[id] = true end
    local known = redis.call('HGETALL', occupancy_key)
    for at = 1, #known, 2 do
        local id = known[at]
        if not remain[id] then
            local event = closing_event(id, names[id], known[at + 1], at_ms, 'space removed')
            if event then redis.call('XADD', events_key, '*', unpack(event)) end
            redis.call('HDEL', occupancy_key, id)
        end
    end
    redis.call('SET', spaces_key, new)
end
"""
"""Replace a camera's spaces: the part that the API and `lotcast cameras apply` have in common."""
