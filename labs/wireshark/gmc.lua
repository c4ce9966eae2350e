-- GroupMediaChat for Wireshark: shows every frame of labs/protocol.md, and flags what is broken.
--
--     Filters:  gmc    gmc.type == "text"    gmc.from == "sravya"    gmc.error    gmc.size > 65536
--
-- It takes TCP ports 5050 (the server) and 5051 (the tap); elsewhere it looks whether a connection begins like this
-- protocol, or is told: Analyze > Decode As, tshark -d tcp.port==6000,gmc.

local gmc = Proto("gmc", "GroupMediaChat")

-- --- What the protocol says: the same tables as in reference/protocol.py ---------------------------------------------

local HEAD = 5 -- bytes of length and type
local MAX_TEXT, MAX_FILE_NAME, MAX_JSON = 4096, 1024, 32 * 1024
local MAX_CHUNK, MAX_NUMBER, MAX_DEPTH = 256 * 1024, 2 ^ 53 - 1, 100
local LIMITS = { D = 1 + 16 + 8 + MAX_CHUNK, W = 1024 * 1024 }

local NAMES = {
    H = "hello", W = "welcome", R = "refused", T = "text", J = "joined", L = "left", O = "offer", G = "get",
    D = "data", E = "end", S = "stored", A = "abort", B = "bye", P = "ping", Q = "pong",
    F = "earlier", N = "numbers", K = "ack", C = "resume",
}
local FROM_CLIENT, FROM_SERVER = "HTOGDEABPQC", "WRTJLOGDESABPQFNK"

local function word(limit) return { kind = "string", limit = limit } end
local function whole(least, most) return { kind = "number", least = least, most = most } end
local function hex(size) return { kind = "hex", size = size } end

local NAME, ID, LIST = word(MAX_JSON), hex(16), { kind = "list" }
local SIZE = whole(0, MAX_NUMBER)

-- The fields of each frame, in the order in which they are checked. A key is a letter, and the side where it matters.
local FIELDS = {
    H = { { "name", NAME }, { "features", LIST } },
    W = { { "features", LIST }, { "roster", LIST, optional = true } },
    R = { { "code", NAME }, { "reason", NAME } },
    T_client = { { "text", word(MAX_TEXT) } },
    T_server = { { "from", NAME }, { "text", word(MAX_TEXT) } },
    J = { { "name", NAME } },
    L = { { "name", NAME } },
    O_client = { { "id", ID }, { "name", word(MAX_FILE_NAME) }, { "size", SIZE } },
    O_server = { { "from", NAME }, { "id", ID }, { "name", word(MAX_FILE_NAME) }, { "size", SIZE } },
    G = { { "id", ID }, { "offset", SIZE }, { "size", whole(1, MAX_CHUNK) } },
    E = { { "id", ID }, { "sha256", hex(32) } },
    S = { { "id", ID } },
    A = { { "id", ID }, { "reason", NAME } },
    B = {}, P = {}, Q = {},
    F = { { "from", NAME }, { "text", word(MAX_TEXT) } },
    N = { { "token", hex(16) }, { "number", SIZE }, { "said", SIZE }, { "heard", SIZE }, { "missed", SIZE } },
    K = { { "number", SIZE }, { "said", SIZE } },
    C = { { "token", hex(16) }, { "number", SIZE }, { "said", SIZE } },
}

-- --- What Wireshark shows and filters by -----------------------------------------------------------------------------

local field = {
    length = ProtoField.uint32("gmc.length", "Length", base.DEC, nil, nil, "Bytes of type and body"),
    type = ProtoField.string("gmc.type", "Type", base.UNICODE, "What the frame is called"),
    letter = ProtoField.string("gmc.letter", "Type byte"),
    name = ProtoField.string("gmc.name", "Name", base.UNICODE),
    features = ProtoField.string("gmc.features", "Feature", base.UNICODE),
    roster = ProtoField.string("gmc.roster", "In the room", base.UNICODE),
    code = ProtoField.string("gmc.code", "Code", base.UNICODE),
    reason = ProtoField.string("gmc.reason", "Reason", base.UNICODE),
    from = ProtoField.string("gmc.from", "From", base.UNICODE),
    text = ProtoField.string("gmc.text", "Text", base.UNICODE),
    id = ProtoField.string("gmc.id", "File id"),
    offset = ProtoField.uint64("gmc.offset", "Offset"),
    size = ProtoField.uint64("gmc.size", "Size"),
    sha256 = ProtoField.string("gmc.sha256", "SHA-256"),
    token = ProtoField.string("gmc.token", "Token"),
    number = ProtoField.uint64("gmc.number", "Entry"),
    said = ProtoField.uint64("gmc.said", "Texts said"),
    heard = ProtoField.uint64("gmc.heard", "Texts heard"),
    missed = ProtoField.uint64("gmc.missed", "Entries missed"),
    data = ProtoField.bytes("gmc.data", "Bytes of the file"),
    body = ProtoField.bytes("gmc.body", "Body"),
    error = ProtoField.string("gmc.error", "Error", base.UNICODE, "The code that a server would send in refused"),
    lost = ProtoField.bytes("gmc.lost", "Behind a broken frame"),
}
gmc.fields = field

local malformed = ProtoExpert.new("gmc.malformed", "Malformed frame", expert.group.MALFORMED, expert.severity.ERROR)
gmc.experts = { malformed }

gmc.prefs.ports = Pref.range("TCP ports", "5050-5051", "Where servers and taps listen", 65535)

-- --- JSON (RFC 8259), with what the protocol needs to know of each value ---------------------------------------------

-- Errors travel as tables through error(): {code, reason}.
local function wrong(code, reason) error({ code = code, reason = reason }, 0) end

local function utf8_end(text)
    -- The end of the longest beginning that is UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over 10FFFF.
    local at, size = 1, #text
    while at <= size do
        local a, b = text:byte(at, at + 1)
        b = b or 0
        local more
        if a < 0x80 then more = 0
        elseif a >= 0xC2 and a <= 0xDF then more = 1
        elseif a >= 0xE0 and a <= 0xEF then
            more = 2
            if (a == 0xE0 and b < 0xA0) or (a == 0xED and b > 0x9F) then return at - 1 end
        elseif a >= 0xF0 and a <= 0xF4 then
            more = 3
            if (a == 0xF0 and b < 0x90) or (a == 0xF4 and b > 0x8F) then return at - 1 end
        else return at - 1 end
        for next_at = at + 1, at + more do
            local continued = text:byte(next_at)
            if not continued or continued < 0x80 or continued > 0xBF then return at - 1 end
        end
        at = at + more + 1
    end
    return size
end

local function encode_utf8(code)
    local function byte(lead, shift) return string.char(lead + math.floor(code / 2 ^ shift) % 64) end
    if code < 0x80 then return string.char(code) end
    if code < 0x800 then return string.char(0xC0 + math.floor(code / 64)) .. byte(0x80, 0) end
    if code < 0x10000 then return string.char(0xE0 + math.floor(code / 4096)) .. byte(0x80, 6) .. byte(0x80, 0) end
    return string.char(0xF0 + math.floor(code / 262144)) .. byte(0x80, 12) .. byte(0x80, 6) .. byte(0x80, 0)
end

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function not_json(at) wrong("bad-json", "not JSON at byte " .. at) end

local function skip_space(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

-- Each reader returns a value and the place behind it. A value is {kind=, value=, from=, to=} (bytes of the body).
local read_value

local function read_string(text, at)
    local start, pieces, half = at, {}, false
    at = at + 1
    while true do
        local stop = text:find('["\\%c]', at) or not_json(#text)
        while text:byte(stop) == 0x7F do stop = text:find('["\\%c]', stop + 1) or not_json(#text) end -- %c has DEL too
        pieces[#pieces + 1] = text:sub(at, stop - 1)
        local found = text:sub(stop, stop)
        if found == '"' then
            return { kind = "string", value = table.concat(pieces), half = half, from = start, to = stop }, stop + 1
        elseif found ~= "\\" then not_json(stop) end
        local letter = text:sub(stop + 1, stop + 1)
        if ESCAPES[letter] then
            pieces[#pieces + 1] = ESCAPES[letter]
            at = stop + 2
        else
            local digits = text:match("^u(%x%x%x%x)", stop + 1) or not_json(stop)
            local code = tonumber(digits, 16)
            at = stop + 6
            if code >= 0xD800 and code <= 0xDBFF then
                local low = tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", at) or "", 16)
                if low then
                    code = 0x10000 + (code - 0xD800) * 1024 + low - 0xDC00
                    at = at + 6
                end
            end
            if code >= 0xD800 and code <= 0xDFFF then half = true else pieces[#pieces + 1] = encode_utf8(code) end
        end
    end
end

local function read_number(text, at)
    local first = at
    local digits = text:match("^-?0", at) or text:match("^-?[1-9]%d*", at) or not_json(at)
    at = at + #digits
    local rest = (text:match("^%.%d+", at) or "")
    rest = rest .. (text:match("^[eE][+-]?%d+", at + #rest) or "")
    at = at + #rest
    return { kind = rest == "" and "number" or "fraction", value = tonumber(digits), from = first, to = at - 1 }, at
end

local function read_array(text, at, depth)
    local items, start = {}, at
    at = skip_space(text, at + 1)
    if text:sub(at, at) == "]" then return { kind = "list", value = items, from = start, to = at }, at + 1 end
    while true do
        items[#items + 1], at = read_value(text, at, depth + 1)
        at = skip_space(text, at)
        local found = text:sub(at, at)
        if found == "]" then return { kind = "list", value = items, from = start, to = at }, at + 1 end
        if found ~= "," then not_json(at) end
        at = skip_space(text, at + 1)
    end
end

local function read_object(text, at, depth)
    local values, start = {}, at
    at = skip_space(text, at + 1)
    if text:sub(at, at) == "}" then return { kind = "object", value = values, from = start, to = at }, at + 1 end
    while true do
        if text:sub(at, at) ~= '"' then not_json(at) end
        local key
        key, at = read_string(text, at)
        at = skip_space(text, at)
        if text:sub(at, at) ~= ":" then not_json(at) end
        local value
        value, at = read_value(text, skip_space(text, at + 1), depth + 1)
        if not key.half then values[key.value] = value end
        at = skip_space(text, at)
        local found = text:sub(at, at)
        if found == "}" then return { kind = "object", value = values, from = start, to = at }, at + 1 end
        if found ~= "," then not_json(at) end
        at = skip_space(text, at + 1)
    end
end

function read_value(text, at, depth)
    if depth > MAX_DEPTH then wrong("bad-json", "JSON nested deeper than " .. MAX_DEPTH) end
    local first = text:sub(at, at)
    if first == '"' then return read_string(text, at) end
    if first == "{" then return read_object(text, at, depth) end
    if first == "[" then return read_array(text, at, depth) end
    for _, name in ipairs({ "true", "false", "null" }) do
        if text:sub(at, at + #name - 1) == name then return { kind = name, from = at, to = at + #name - 1 }, at + #name end
    end
    return read_number(text, at)
end

local function read_body(text)
    local good = utf8_end(text)
    if good < #text then wrong("bad-utf8", "not UTF-8 at byte " .. good) end
    local value, at = read_value(text, skip_space(text, 1), 1)
    if skip_space(text, at) <= #text then not_json(at) end
    if value.kind ~= "object" then wrong("bad-json", "the body must be a JSON object") end
    return value.value
end

-- --- Fields ----------------------------------------------------------------------------------------------------------

local function is_word(value, limit)
    return value.kind == "string" and not value.half and #value.value <= limit
end

local CHECKS = {
    string = function(value, rule)
        return is_word(value, rule.limit), "must be a string of at most " .. rule.limit .. " bytes of UTF-8"
    end,
    number = function(value, rule)
        local fits = value.kind == "number" and value.value >= rule.least and value.value <= rule.most
        return fits, string.format("must be a whole number from %.0f to %.0f", rule.least, rule.most)
    end,
    hex = function(value, rule)
        local fits = value.kind == "string" and #value.value == 2 * rule.size and not value.value:find("[^0-9a-f]")
        return fits, "must be " .. rule.size .. " bytes in lower-case hex"
    end,
    list = function(value)
        if value.kind ~= "list" then return false, "must be a list of strings" end
        for _, item in ipairs(value.value) do
            if not is_word(item, MAX_JSON) then return false, "must be a list of strings" end
        end
        return true
    end,
}

local function check_fields(values, fields)
    for _, one in ipairs(fields) do
        local name, rule = one[1], one[2]
        local value = values[name]
        if value then
            local fits, must = CHECKS[rule.kind](value, rule)
            if not fits then wrong("bad-field", "'" .. name .. "' " .. must) end
        elseif not one.optional then wrong("bad-field", "'" .. name .. "' is missing") end
    end
end

local function range_of(body, value) return body:range(value.from - 1, value.to - value.from + 1) end

-- Wireshark ends a string at a NUL, so a NUL is shown as its picture.
local function whole_text(text) return (text:gsub("%z", "\226\144\128")) end

local function show_field(tree, body, name, rule, value)
    local range = range_of(body, value)
    if rule.kind == "list" then
        for _, item in ipairs(value.value) do tree:add(field[name], range_of(body, item), whole_text(item.value)) end
    elseif rule.kind == "number" then
        tree:add(field[name], range, UInt64.new(value.value % 2 ^ 32, math.floor(value.value / 2 ^ 32)))
    else
        tree:add(field[name], range, whole_text(value.value))
    end
end

-- Text from others on one line, for a terminal (tshark): control characters become dots.
local function harmless(text)
    local shown = text:gsub("%c", "."):gsub("\194[\128-\159]", ".") -- C1 controls are C2 80 to C2 9F in UTF-8
    shown = shown:gsub("\226\128[\142\143\168-\174]", "."):gsub("\226\129[\166-\169]", ".") -- directions, line ends
    return shown
end

local function in_words(rule, value)
    if rule.kind == "list" then
        local words = {}
        for _, item in ipairs(value.value) do words[#words + 1] = harmless(item.value) end
        return "(" .. table.concat(words, ", ") .. ")"
    elseif rule.kind == "hex" then return value.value:sub(1, 8)
    elseif rule.kind == "number" then return string.format("%.0f", value.value)
    else return harmless(value.value) end
end

-- --- One frame -------------------------------------------------------------------------------------------------------

local function dissect_data(body, tree)
    if body:len() <= 24 then wrong("bad-field", "needs an id, an offset and some bytes") end
    local offset = body:range(16, 8):uint64()
    if offset > UInt64.new(0xFFFFFFFF, 0x1FFFFF) then wrong("bad-field", "the offset must be at most 2^53 - 1") end
    tree:add(field.id, body:range(0, 16), tostring(body:range(0, 16):bytes()):lower())
    tree:add(field.offset, body:range(16, 8))
    tree:add(field.data, body:range(24))
    return string.format("%s, %d from %s", tostring(body:range(0, 4)), body:len() - 24, tostring(offset))
end

local function dissect_json(body, tree, fields)
    local values = read_body(body:len() > 0 and body:raw() or "")
    check_fields(values, fields)
    local said = {}
    for _, one in ipairs(fields) do
        local name, rule = one[1], one[2]
        local value = values[name]
        if value then
            show_field(tree, body, name, rule, value)
            said[#said + 1] = in_words(rule, value)
        end
    end
    return table.concat(said, " ")
end

local function check_head(length, letter, side)
    local limit = LIMITS[letter] or MAX_JSON
    if length < 1 or length > limit then
        wrong("bad-length", "a frame of " .. length .. " bytes: the length must be from 1 to " .. limit)
    end
    local may_send = side == "client" and FROM_CLIENT or FROM_SERVER
    if NAMES[letter] and not may_send:find(letter, 1, true) then
        wrong("out-of-turn", "the " .. side .. " may not send " .. NAMES[letter])
    end
end

local function dissect_body(letter, side, body, tree)
    if not NAMES[letter] then
        if body:len() > 0 then tree:add(field.body, body:range()) end
        return "unknown type, skipped"
    end
    if letter == "D" then return dissect_data(body, tree) end
    return dissect_json(body, tree, FIELDS[letter] or FIELDS[letter .. "_" .. side])
end

local function printable(letter)
    return letter:match("^[%g ]$") and letter or string.format("0x%02x", letter:byte())
end

-- --- The stream ------------------------------------------------------------------------------------------------------

local stream_number = Field.new("tcp.stream")
local client_port = {} -- by stream: who has spoken first
local broken_in = {} -- by stream and port: the packet in which this direction broke

function gmc.init()
    client_port, broken_in = {}, {}
end

-- Which side has sent this. A port that was chosen for this protocol is the server's; else the client speaks first,
-- unless it is refused before it has said a word.
local function side_of(pinfo, stream, letter)
    if not client_port[stream] then
        if pinfo.match_uint == pinfo.src_port then client_port[stream] = pinfo.dst_port
        elseif pinfo.match_uint == pinfo.dst_port then client_port[stream] = pinfo.src_port
        else client_port[stream] = letter == "R" and pinfo.dst_port or pinfo.src_port end
    end
    return client_port[stream] == pinfo.src_port and "client" or "server"
end

local function dissect_frame(tvb, tree, length, letter, side, pieces)
    local name = NAMES[letter] or ("type " .. printable(letter))
    local item = tree:add(gmc, tvb(), "GroupMediaChat, " .. name)
    item:add(field.length, tvb(0, 4))
    item:add(field.letter, tvb(4, 1), printable(letter))
    item:add(field.type, tvb(4, 1), name)
    local fine, said = pcall(function()
        check_head(length, letter, side)
        return dissect_body(letter, side, tvb:len() > HEAD and tvb(HEAD):tvb() or ByteArray.new():tvb("empty"), item)
    end)
    if fine then
        item:append_text(said ~= "" and ": " .. said or "")
        pieces[#pieces + 1] = name .. (said ~= "" and " " .. said or "")
        return true
    end
    if type(said) ~= "table" then error(said, 0) end -- a mistake in this file
    item:add(field.error, tvb(0, math.min(HEAD, tvb:len())), said.code)
    item:add_proto_expert_info(malformed, said.code .. ": " .. said.reason)
    item:append_text(" [" .. said.code .. ": " .. said.reason .. "]")
    pieces[#pieces + 1] = "BROKEN " .. name .. " [" .. said.code .. ": " .. said.reason .. "]"
    return false
end

local function show_lost(range, tree)
    tree:add(gmc, range, "GroupMediaChat, behind a broken frame"):add(field.lost, range)
end

function gmc.dissector(tvb, pinfo, tree)
    local stream = stream_number().value
    local direction = stream .. " " .. pinfo.src_port
    pinfo.cols.protocol = "GMC"
    if broken_in[direction] and pinfo.number > broken_in[direction] then
        pinfo.cols.info = "(behind a broken frame)"
        show_lost(tvb(), tree)
        return tvb:len()
    end
    local offset, pieces = 0, {}
    while offset < tvb:len() do
        local left = tvb:len() - offset
        if left < HEAD then
            pinfo.desegment_offset, pinfo.desegment_len = offset, DESEGMENT_ONE_MORE_SEGMENT
            break
        end
        local length, letter = tvb(offset, 4):uint(), tvb:raw(offset + 4, 1)
        local side = side_of(pinfo, stream, letter)
        local good = pcall(check_head, length, letter, side)
        local size = good and 4 + length or HEAD
        if left < size then
            pinfo.desegment_offset, pinfo.desegment_len = offset, size - left
            break
        end
        if not dissect_frame(tvb(offset, size):tvb(), tree, length, letter, side, pieces) then
            broken_in[direction] = pinfo.number
            if left > size then show_lost(tvb(offset + size), tree) end
            break
        end
        offset = offset + size
    end
    if #pieces > 0 then pinfo.cols.info = table.concat(pieces, " | ") end
    return tvb:len()
end

-- --- Where it is used ------------------------------------------------------------------------------------------------

-- On other ports: does this look like the first frame of a connection?
local function looks_like_us(tvb, pinfo, tree)
    if tvb:len() < HEAD then return false end
    local length, letter = tvb(0, 4):uint(), tvb:raw(4, 1)
    if not NAMES[letter] or length < 1 or length > (LIMITS[letter] or MAX_JSON) then return false end
    if letter ~= "D" and tvb:len() > HEAD and tvb:raw(HEAD, 1) ~= "{" then return false end
    pinfo.conversation = gmc
    gmc.dissector(tvb, pinfo, tree)
    return true
end
gmc:register_heuristic("tcp", looks_like_us)

local tcp_ports = DissectorTable.get("tcp.port")
local ours = gmc.prefs.ports
tcp_ports:add(ours, gmc)

function gmc.prefs_changed()
    if ours ~= gmc.prefs.ports then
        tcp_ports:remove(ours, gmc)
        ours = gmc.prefs.ports
        tcp_ports:add(ours, gmc)
    end
end
