#!/bin/sh
#: == How to check this bundle without nbdeploy ==
#:
#: This folder says which model was put to work, on which evidence, and who decided it. The lines below prove that with
#: sha256sum, jq, openssl (3 or later), base64, awk, sort and other coreutils alone. They stand in verify.sh as they do
#: here: unpack the zip into an empty folder and run
#:
#: == sh verify.sh FOLDER [POLICY…] ==
#:
#: Better: copy the lines from a place that you trust, because whoever changed the bundle could have changed this file.
#: POLICY is your own copy of the policy file of those days, if you have one; without it the policy in the bundle says whose
#: keys these are, and whoever made the bundle could have written that policy. One line is printed for each step. The exit
#: code is 0 if all holds, 1 at the first thing that does not, and 2 where there is no bundle.
set -eu
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=${1:-.}
[ $# = 0 ] || shift
copies=$#
none() {
    printf '%s\n' "$*"
    exit 2
}
for policy in "$@"; do
    [ -f "$policy" ] || none "there is no policy $policy"
    cp "$policy" "$work/own-$(sha256sum <"$policy" | cut -d ' ' -f 1).toml"
done
[ -f "$folder/SHA256SUMS" ] && [ -f "$folder/bundle.json" ] || none "$folder is no unpacked bundle"
cd "$folder"
tab=$(printf '\t')
step() { printf 'ok    %s\n' "$*"; }
note() { printf 'note  %s\n' "$*"; }
fail() {
    printf 'FAIL  %s\nThis bundle does NOT hold.\n' "$*"
    exit 1
}
sha() { # of what comes in: the 64 digits alone
    sum=$(sha256sum)
    printf '%s\n' "${sum%% *}"
}
digest() { sha <"$1"; }
unhex() { tr 'a-f' 'A-F' | basenc --base16 -d; }
#:
#: == 1. Every file is the one that SHA256SUMS names, and there is no other ==
#:
#: These digests are signed by nobody. They find damage; the signatures below find lies.
[ -z "$(find . ! -type f ! -type d)" ] || fail 'there is something that is neither a file nor a folder'
find . -type f ! -path ./SHA256SUMS | cut -c 3- | sort >"$work/found"
cut -c 67- SHA256SUMS >"$work/named"
cmp -s "$work/found" "$work/named" || fail 'the files are not those that SHA256SUMS names'
grep -vxE 'bundle\.json|SHA256SUMS|RECIPE\.txt|verify\.sh|ledger/(checkpoint|public|proofs/[0-9]{6,})|envelopes/[0-9]{6,}-[a-z]+\.json|policy/[0-9a-f]{64}\.toml(\.sig\.json)?|policy/presets/[a-z]+\.toml|documents/[0-9a-f]{12}/[^/]+(/[^/]+)?|decisions/[^/]+\.(txt|html)|model/MANIFEST|model/files/.+|templates/card/[^/]+' \
    "$work/found" >"$work/stray" || true
[ ! -s "$work/stray" ] || fail "a bundle has no place for $(head -n 1 "$work/stray")"
if grep -qvxE '[0-9a-f]{64}  .+' SHA256SUMS || [ -n "$(tail -c 1 SHA256SUMS)" ]; then fail 'SHA256SUMS has another form'; fi
for name in ledger/public ledger/checkpoint; do [ -f "$name" ] || fail "$name is missing"; done
sha256sum --check --strict --quiet SHA256SUMS >"$work/sums" 2>&1 || fail "$(head -n 1 "$work/sums")"
step "$(wc -l <SHA256SUMS) files are those that SHA256SUMS names"
#:
#: == 2. The ledger's checkpoint is signed by the ledger's key ==
#:
#: A checkpoint is a signed note (c2sp.org/tlog-checkpoint): a name, the number of entries, the root of the Merkle tree
#: over them, perhaps a time; then signature lines. openssl reads an ed25519 key as 12 fixed bytes and the key's 32.
public_key() { # ed25519:BASE64 -> DER
    { printf 302a300506032b6570032100 | unhex; printf '%s' "${1#ed25519:}" | base64 -d; } >"$work/key.der" 2>"$work/ssl" || true
    [ "$(wc -c <"$work/key.der")" = 44 ] || fail "$1 is not a public key"
}
holds() { # PUBLIC MESSAGE SIGNATURE
    public_key "$1"
    openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$work/key.der" -in "$2" -sigfile "$3" >"$work/ssl" 2>&1
}
ledger=$(cat ledger/public)
sed '/^$/,$d' ledger/checkpoint >"$work/note"
size=$(sed -n 2p "$work/note")
root=$(sed -n 3p "$work/note" | base64 -d | od -An -v -tx1 | tr -d ' \n')
awk '$0 == "" { gaps++; next } gaps { next }
    NR == 1 && $0 != "nbdeploy/ledger" || NR == 2 && !/^(0|[1-9][0-9]*)$/ || NR == 3 && (length($0) != 44 || !/^[A-Za-z0-9+\/]*=$/) { exit wrong = 1 }
    /^time / && (NR < 4 || times++ || length($0) != 25 || !/^time [0-9-]+T[0-9:]+Z$/) { exit wrong = 1 }
    END { exit wrong || gaps != 1 }' ledger/checkpoint || fail 'the checkpoint has another form'
sed '1,/^$/d' ledger/checkpoint >"$work/signatures"
[ -z "$(tail -c 1 ledger/checkpoint)" ] || fail 'the checkpoint has another form'
public_key "$ledger"
hash=$({ printf 'nbdeploy/ledger\n\001'; tail -c 32 "$work/key.der"; } | sha256sum | cut -c 1-8)
own=0
while IFS= read -r line; do # a dash, a name, the key's hash and the signature; of names other than the ledger's, none counts
    by=${line#* } by=${by%% *} signature=${line##* }
    printf '%s' "$signature" | base64 -d >"$work/raw" 2>"$work/ssl" || fail 'a signature of the checkpoint is not base64'
    [ "$line" = "— $by $(base64 -w 0 <"$work/raw")" ] && [ "$(wc -c <"$work/raw")" -ge 5 ] || fail 'the checkpoint has another form'
    [ "$by" = nbdeploy/ledger ] && [ "$(head -c 4 "$work/raw" | od -An -v -tx1 | tr -d ' \n')" = "$hash" ] || continue
    tail -c +5 "$work/raw" >"$work/sig"
    holds "$ledger" "$work/note" "$work/sig" || fail "the checkpoint's signature does not hold"
    own=$((own + 1))
done <"$work/signatures"
[ "$own" -gt 0 ] || fail 'the checkpoint has no signature of the ledger'
step "the checkpoint of $size entries is signed by $ledger"
#:
#: == 3. Every envelope is in the tree of that checkpoint, at its place ==
#:
#: RFC 6962: a leaf is SHA-256(00, envelope), a node SHA-256(01, left, right). ledger/proofs/N holds the other halves on
#: the way from entry N up to the root (RFC 9162, section 2.1.3.2).
without_zeros() { # 000012 -> 12
    number=$1
    while [ "${number#0}" != "$number" ] && [ "$number" != 0 ]; do number=${number#0}; done
    printf '%s\n' "$number"
}
node() { printf '01%s%s' "$1" "$2" | unhex | sha; }
included() { # LEAF INDEX PROOF
    at=$2 last=$((size - 1)) found=$1
    [ "$at" -le "$last" ] && [ -f "$3" ] && [ "$(wc -c <"$3")" = $(($(grep -cxE '[0-9a-f]{64}' "$3" || true) * 65)) ] || return 1
    while read -r half; do
        [ "$last" -gt 0 ] || return 1
        if [ $((at % 2)) = 1 ] || [ "$at" = "$last" ]; then
            found=$(node "$half" "$found")
            while [ $((at % 2)) = 0 ] && [ "$at" -gt 0 ]; do at=$((at / 2)) last=$((last / 2)); done
        else
            found=$(node "$found" "$half")
        fi
        at=$((at / 2)) last=$((last / 2))
    done <"$3"
    [ "$last" = 0 ] && [ "$found" = "$root" ]
}
count=0
for file in envelopes/*.json; do
    index=${file##*/} index=${index%%-*}
    leaf=$({ printf '\000'; cat "$file"; } | sha)
    number=$(without_zeros "$index")
    included "$leaf" "$number" "ledger/proofs/$index" || fail "$file is not entry $number of the ledger"
    count=$((count + 1))
done
step "$count envelopes are entries of that ledger, at their places"
[ "$count" = "$size" ] || note "entries of the ledger that are not in this bundle: $((size - count))"
#:
#: == 4. What the statements say ==
#:
#: An envelope is DSSE: its payload is an in-toto statement in base64. jq reads all of them at once and prints lines: FILE,
#: tab, WHAT, tab, values. They are sorted into files, said/FILE.WHAT, and read back by the little functions below.
cat >"$work/said.jq" <<'JQ'
def seconds: sub("\\.[0-9]+"; "") | fromdate;
def expected: if . == "approval" or . == "question" or . == "return" or . == "rejection" then "decision" else . end;
(input_filename | split("/") | last) as $name | ($name | rtrimstr(".json") | sub("^[0-9]+-"; "")) as $kind | . as $envelope
| (.payload | gsub("-"; "+") | gsub("_"; "/")) as $payload | ($payload | @base64d | fromjson) as $said | $said.predicate as $p
| if $envelope.payloadType == "application/vnd.in-toto+json" and $said._type == "https://in-toto.io/Statement/v1"
    and $said.predicateType == "urn:nbdeploy:\($kind | expected):1" and ($p.decision // $kind) == $kind
    and ([$said.subject[].name] | length == (unique | length))
    and ([$said.subject[].digest.sha256 | test("^[0-9a-f]{64}$")] | all) then
    ["payload", $payload],
    ["head", ($p | .request.requested? // .declared // .finished // .signed // .at | seconds),
        ($p.request | if type == "object" then .id else . // "-" end), $p.action // "-", $p.by // ($p.request | .requester?) // "-"],
    ($envelope.signatures[] | ["signature", (if (.keyid // "") == "" then "-" else .keyid end), (.sig | gsub("-"; "+") | gsub("_"; "/"))]),
    ($said.subject[] | ["subject", .name, .digest.sha256]),
    (select($kind == "objective") | ["late", $p.after_results], ["names", $p.name, $p.model]),
    (select($kind == "deployment") | ["place", $p.model, $p.version, $p.environment, $p.endpoint]),
    (select($kind == "validation") | $p.gates | to_entries[] | ["gate", .value, .key]),
    (select($kind == "request") | $p.request | ["asked", .environment, .model, .risk_tier // "medium", .ledger],
        ["names", .objective, .model], ["version", .model, .version, .environment], ["place", .model, .version, .environment, .endpoint],
        (.digests | to_entries[] | ["named", .key, .value]), ["named", "validation", .validation],
        (.failed[] | ["open", "fail", .]), (.undecided[] | ["open", "undecided", .]), (.scan // [] | .[] | ["scan", .])),
    (select($kind | expected == "decision") | ["days", ($p.not_before | seconds), ($p.expires | seconds)],
        ["version", $p.model, $p.version, $p.environment], ($p.acknowledged[] | ["seen", .]),
        ($p.waived[] | ["waived", (.expires | seconds), .gate, if .reason | test("\\S") then "reason" else "none" end]))
  else error("no statement of the kind \($kind)") end | [$name] + . | @tsv
JQ
mkdir "$work/said"
jq -r -f "$work/said.jq" envelopes/*.json >"$work/lines" 2>"$work/complaint" || fail 'an envelope is no statement of its kind'
[ ! -s "$work/complaint" ] || fail "an envelope is no statement of its kind: $(head -n 1 "$work/complaint")"
while IFS="$tab" read -r name what values; do
    printf '%s\n' "$values" >>"$work/said/$name.$what"
done <"$work/lines"
#:
#: One line of said/ALL is made for each: entry, file, kind, SHA-256 of the envelope, and what "head" says: the time that it
#: names for itself in seconds, the request that it is about, what was done, and by whom, as it says itself.
for file in envelopes/*.json; do
    name=${file##*/} kind=${file##*-}
    [ "$(wc -l <"$work/said/$name.payload")" = 1 ] || fail "$file holds more than one envelope"
    base64 -d <"$work/said/$name.payload" >"$work/said/$name" || fail "$file has no payload"
    read -r head <"$work/said/$name.head"
    printf '%s\t%s\t%s\t%s\t%s\n' "$(without_zeros "${name%%-*}")" "$file" "${kind%.json}" "$(digest "$file")" "$head" >>"$work/said/ALL"
done
sort -n "$work/said/ALL" -o "$work/said/ALL"
about() { # FILE WHAT: what a statement says
    [ ! -f "$work/said/${1##*/}.$2" ] || cat "$work/said/${1##*/}.$2"
}
subject() { # FILE NAME
    while IFS="$tab" read -r name value; do
        [ "$name" != "$2" ] || { printf '%s\n' "$value" && return; }
    done <"$work/said/${1##*/}.subject"
    echo none
}
envelope() { # DIGEST: the file of that envelope
    while IFS="$tab" read -r _ file _ value _; do
        [ "$value" != "$1" ] || { printf '%s\n' "$file" && return; }
    done <"$work/said/ALL"
}
of() { # KIND|KIND REQUEST: the files of these statements about a request, in the order of the ledger
    while IFS="$tab" read -r _ file kind _ _ id _; do
        case "|$1|" in *"|$kind|"*) [ "$id" != "$2" ] || printf '%s\n' "$file" ;; esac
    done <"$work/said/ALL"
}
field() { # FILE entry|kind|at|request|action|by
    while IFS="$tab" read -r entry file kind _ at request action by; do
        [ "$file" = "$1" ] || continue
        case $2 in
        entry) echo "$entry" ;; kind) echo "$kind" ;; at) echo "$at" ;;
        request) echo "$request" ;; action) echo "$action" ;; by) printf '%s\n' "$by" ;;
        esac
    done <"$work/said/ALL"
}
#:
#: == 5. Whose keys these are, and what the policy asks for ==
#:
#: The policy is TOML. This awk program prints each value of it as one line, NAME, tab, VALUE; lists are counted from 1,
#: and NAME.# says how long a list is. What the policy does not say comes from its preset.
cat >"$work/toml.awk" <<'AWK'
function bad(why) { print "line " NR ": " why >"/dev/stderr"; broken = 1; exit 3 }
function peek() { return substr(text, 1, 1) }
function skip(n) { text = substr(text, n + 1) }
function space() {
    while (match(text, /^[ \t\n]+/) || match(text, /^#[^\n]*/)) skip(RLENGTH)
}
function blank() { while (match(text, /^[ \t]+/)) skip(RLENGTH) }
function quoted(   mark, out, c) {
    mark = peek(); skip(1)
    if (substr(text, 1, 2) == mark mark) bad("a text of several lines")
    while ((c = peek()) != mark) {
        if (c == "" || c == "\n") bad("a text without end")
        if (c == "\\" && mark == "\"") {
            skip(1); c = peek()
            if (c != "\"" && c != "\\") bad("an escape that is not known here")
        }
        out = out c; skip(1)
    }
    skip(1)
    return out
}
function key(   out, part) {
    while (1) {
        blank()
        if (peek() == "\"" || peek() == "'") part = quoted()
        else if (match(text, /^[A-Za-z0-9_-]+/)) { part = substr(text, 1, RLENGTH); skip(RLENGTH) }
        else bad("no name")
        out = out == "" ? part : out "." part
        blank()
        if (peek() != ".") return out
        skip(1)
    }
}
function pair(base,   name) {
    name = key()
    if (peek() != "=") bad("no = after " name)
    skip(1); blank()
    value(base == "" ? name : base "." name)
}
function value(name,   n) {
    if (peek() == "[") {
        skip(1); space(); n = 0
        while (peek() != "]") {
            value(name "." (++n)); space()
            if (peek() == ",") { skip(1); space() } else if (peek() != "]") bad("a list without end")
        }
        skip(1); print name ".#\t" n
    } else if (peek() == "{") {
        skip(1); blank()
        while (peek() != "}") {
            pair(name); blank()
            if (peek() == ",") { skip(1); blank() } else if (peek() != "}") bad("a table without end")
        }
        skip(1)
    } else if (peek() == "\"" || peek() == "'") print name "\t" quoted()
    else if (match(text, /^[A-Za-z0-9+:._-]+/)) { print name "\t" substr(text, 1, RLENGTH); skip(RLENGTH) }
    else bad("no value")
}
{ text = text $0 "\n" }
END {
    if (broken) exit 3
    for (space(); text != ""; space()) {
        if (substr(text, 1, 2) == "[[") {
            skip(2); table = key(); skip(2)
            outer = table; sub(/\.[^.]*$/, "", outer)
            if (outer != table && outer in tables) table = outer "." tables[outer] substr(table, length(outer) + 1)
            base = table "." (++tables[table])
        } else if (peek() == "[") {
            skip(1); base = key(); skip(1)
        } else pair(base)
    }
}
AWK
read_policy() { # HEX: makes $work/policy, $work/preset and $work/keys: KEYID NAME PERSON FROM UNTIL PUBLIC KIND REVOKED …
    file=policy/$1.toml
    if [ "$copies" != 0 ]; then
        [ -f "$work/own-$1.toml" ] || fail "the policy $1, which was in force, is none of yours"
        file=$work/own-$1.toml
    fi
    [ -f "$file" ] || fail "the policy $1, which was in force, is not in the bundle: give your own copy"
    [ "$(digest "$file")" = "$1" ] || fail "$file is another policy than its name says"
    awk -f "$work/toml.awk" "$file" >"$work/policy" || fail 'the policy is written in a form that these lines cannot read'
    preset=$(awk -F "$tab" '$1 == "preset" { print $2 }' "$work/policy")
    : >"$work/preset"
    [ -z "$preset" ] || awk -f "$work/toml.awk" "policy/presets/$preset.toml" >"$work/preset" || fail "no preset $preset"
    awk -F "$tab" 'function or_dash(value) { return value == "" ? "-" : value }
    $1 ~ /^(people|services)\.[0-9]+\./ {
        split($1, part, "."); one = part[1] "\t" part[2]; rest = $1; sub(/^[a-z]+\.[0-9]+\./, "", rest)
        if (rest == "name") name[one] = $2; else if (rest == "person") person[one] = $2
        else if (rest ~ /^keys\.[0-9]+\./) { split(rest, k, "."); key[one "\t" k[2] "\t" k[3]] = $2; if (k[3] == "public") order[++n] = one "\t" k[2] }
    } END { for (i = 1; i <= n; i++) {
        split(order[i], p, "\t"); one = p[1] "\t" p[2]
        human = p[1] == "people" ? name[one] : (person[one] == "" ? "-" : person[one])
        from = key[order[i] "\tfrom"]; until = key[order[i] "\tuntil"]
        print name[one] "\t" human "\t" (from == "" ? "0000-00-00" : from) "\t" (until == "" ? "9999-99-99" : until) "\t" \
            key[order[i] "\tpublic"] "\t" p[1] "\t" or_dash(key[order[i] "\trevoked"]) "\t" \
            or_dash(key[order[i] "\tcompromised_since"]) "\t" or_dash(key[order[i] "\tentries"])
    } }' "$work/policy" >"$work/named"
    : >"$work/keys"
    while IFS="$tab" read -r name person from until public rest; do
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(printf '%s' "${public#ed25519:}" | base64 -d 2>"$work/ssl" | sha)" \
            "$name" "$person" "$from" "$until" "$public" "$rest" >>"$work/keys"
    done <"$work/named"
    [ "$(cut -f 1 "$work/keys" | sort | uniq -d)" = '' ] || fail 'the policy gives one key to two'
    [ "$copies" != 0 ] || signed_by_roots "$file" "$1"
}
signed_by_roots() { # FILE HEX: a policy that names roots is signed by enough of them
    awk -F "$tab" '$1 ~ /^roots\.keys\.[0-9]+$/ { print $2 }' "$work/policy" | sort -u >"$work/roots"
    [ -s "$work/roots" ] || return 0
    [ -f "$1.sig.json" ] || fail "$1 names roots, and none of them signed it"
    jq -er .payload "$1.sig.json" | base64 -d >"$work/said-policy" || fail "$1.sig.json has no payload"
    jq -e --arg hex "$2" '.predicateType == "urn:nbdeploy:policy:1" and [.subject[] | [.name, .digest.sha256]] == [["policy", $hex]]' \
        "$work/said-policy" >/dev/null || fail "$1.sig.json is about another policy"
    { printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$(wc -c <"$work/said-policy")"; cat "$work/said-policy"; } >"$work/pae"
    jq -r '.signatures[] | [.keyid, .sig] | @tsv' "$1.sig.json" >"$work/signatures"
    had=0
    while read -r public; do
        keyid=$(printf '%s' "${public#ed25519:}" | base64 -d | sha)
        awk -F "$tab" -v id="$keyid" '$1 == id { print $2; exit }' "$work/signatures" | base64 -d >"$work/sig"
        ! holds "$public" "$work/pae" "$work/sig" || had=$((had + 1))
    done <"$work/roots"
    needed=$(awk -F "$tab" -v n=1 '$1 == "roots.threshold" { n = $2 } END { print n }' "$work/policy")
    [ "$had" -ge "$needed" ] || fail "$1 is signed by $had of $needed roots"
    step "$1 is signed by $had of its roots, and $needed must"
}
roles() { # NAME: the roles that the policy gives to somebody, one a line
    awk -F "$tab" -v name="$1" '$1 ~ /^(people|services)\.[0-9]+\.name$/ && $2 == name { one = substr($1, 1, length($1) - 4) }
        { all[NR] = $1; is[NR] = $2 } END { for (i = 1; i <= NR; i++)
        if (one != "" && index(all[i], one "roles.") == 1 && all[i] !~ /#$/) print is[i] }' "$work/policy"
}
tiers_of() { # the risk tiers that count for this request: its own, or the policy's for this model, and all below
    {
        printf '%s\n' "$tier"
        awk -F "$tab" 'index($1, "tiers.") == 1 { print substr($1, 7) "\t" $2 }' "$work/preset" "$work/policy" |
            while IFS="$tab" read -r pattern least; do
                # shellcheck disable=SC2254 # it is meant as a pattern
                case $model in $pattern) printf '%s\n' "$least" ;; esac
            done
    } | awk '/low/ { n = n < 1 ? 1 : n } /medium/ { n = n < 2 ? 2 : n } /high/ { n = 3 }
        END { if (n) print "low"; if (n > 1) print "medium"; if (n > 2) print "high" }'
}
rule() { # NAME DEFAULT: one value of the environment, and the strictest that it or a risk tier says
    {
        awk -F "$tab" -v name="environments.$environment.$1" -v found="$2" '$1 == name { found = $2 } END { print found }' \
            "$work/preset" "$work/policy"
        for tier in $tiers; do
            awk -F "$tab" -v name="environments.$environment.tiers.$tier.$1" '$1 == name { found = $2 } END { print found }' \
                "$work/preset" "$work/policy"
        done
    } | awk -v name="$1" 'BEGIN { split("allow acknowledge waive block", order, " "); for (i in order) rank[order[i]] = i }
        $1 == "" { next } found == "" { found = $1; next }
        name ~ /_days$/ { if ($1 + 0 < found + 0) found = $1; next }
        name == "approvals" { if ($1 + 0 > found + 0) found = $1; next }
        { if (rank[$1] > rank[found]) found = $1 } END { print found }'
}
further() { # one line for each further group that must sign: APPROVALS ROLE|ROLE
    for at in "environments.$environment." $(for tier in $tiers; do echo "environments.$environment.tiers.$tier."; done); do
        for source in "$work/policy" "$work/preset"; do
            grep -q "^$at""also\." "$source" || continue
            awk -F "$tab" -v at="${at}also." 'index($1, at) == 1 && $1 !~ /#$/ { split(substr($1, length(at) + 1), p, ".")
                if (p[2] == "approvals") n[p[1]] = $2; if (p[2] == "by") by[p[1]] = by[p[1]] (by[p[1]] == "" ? "" : "|") $2 }
                END { for (i in by) print (n[i] == "" ? 1 : n[i]) "\t" by[i] }' "$source"
            break
        done
    done
}
rules() { # NAME DEFAULT: a list of the environment, one a line; the policy's replaces the preset's
    for source in "$work/policy" "$work/preset"; do
        if grep -q "^environments\.$environment\.$1\.#$tab" "$source"; then
            awk -F "$tab" -v name="environments.$environment.$1." 'index($1, name) == 1 && $1 !~ /#$/ { print $2 }' "$source"
            return
        fi
    done
    [ -z "$2" ] || printf '%s\n' "$2"
}
both() { grep -qxF -f "$1" "$2"; }
#:
#: == 6. Every signature holds, by a key that the policy names for that day ==
#:
#: What is signed is DSSE's pre-authentication encoding: "DSSEv1", the lengths and the texts of type and payload. A line of
#: signed-by is made for each statement that counts: file, signer, person behind the signer, public key, kind. keyid is the
#: SHA-256 of the 32 bytes of the key. A key must count at the time that a statement names for itself, and at that of the
#: latest one before it in the ledger. What was logged before counts once; what is of a time to come, not yet.
signer() { # FILE: prints NAME, PERSON, PUBLIC, people|services of the first signature that holds, by whom may say this
    said="$work/said/${1##*/}"
    { printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$(wc -c <"$said")"; cat "$said"; } >"$work/pae"
    day=$(date -u -d "@$at" +%Y-%m-%d) later=$day
    [ "$at" = "$logged" ] || later=$(date -u -d "@$logged" +%Y-%m-%d)
    while IFS="$tab" read -r keyid signature; do
        printf '%s' "$signature" | base64 -d >"$work/sig" 2>/dev/null || continue
        awk -F "$tab" -v id="$keyid" -v day="$day" -v later="$later" \
            '(id == "-" || $1 == id) && $4 <= day && later <= $5' "$work/keys" >"$work/candidates"
        while IFS="$tab" read -r _ name person _ _ public kind revoked compromised entries; do
            if ! given_up "$1" && holds "$public" "$work/pae" "$work/sig" && may_say "$1"; then
                printf '%s\t%s\t%s\t%s\n' "$name" "$person" "$public" "$kind"
                return 0
            fi
        done <"$work/candidates"
    done <"$said.signature"
    return 1
}
given_up() { # FILE: whether that key was given up when the statement was made, or at its place in the ledger
    for moment in "$revoked" "$compromised"; do
        [ "$moment" = - ] || [ "$logged" -lt "$(date -u -d "$moment" +%s)" ] || return 0
    done
    [ "$entries" != - ] && [ "$(field "$1" entry)" -ge "$entries" ]
}
may_say() { # FILE: whether $name may say it; where somebody must answer for it by name, it is said by who signed it
    roles "$name" >"$work/roles"
    case $(field "$1" kind) in
    objective) [ "$person" != - ] && has 'author|runner' ;;
    request) [ "$person" != - ] && has 'author|runner' && by_signer "$1" ;;
    validation) has runner ;;
    deployment) has deployer ;;
    revocation) by_signer "$1" ;;
    *) [ "$kind" = people ] && by_signer "$1" ;;
    esac
}
has() { # ROLE|ROLE: whether one of them is in $work/roles
    while read -r role; do case "|$1|" in *"|$role|"*) return 0 ;; esac; done <"$work/roles"
    return 1
}
by_signer() { case "$(field "$1" by)" in "$name" | "$person") ;; *) return 1 ;; esac; }
signed() { # FILE name|person|key|kind: who signed it, nothing where nobody did who may
    while IFS="$tab" read -r file name person public kind; do
        [ "$file" = "$1" ] || continue
        [ "$person" != - ] || person=$name
        case $2 in name) printf '%s\n' "$name" ;; person) printf '%s\n' "$person" ;; key) echo "$public" ;; kind) echo "$kind" ;; esac
    done <"$work/signed-by"
}
name_of() { signed "$1" name; }
person_of() { signed "$1" person; }
key_of() { signed "$1" key; }
same() { # ONE OTHER WORDS: what is not there is not the same as anything
    [ "$1" = "$2" ] && [ -n "$1" ] && [ "${1#sha256:}" != none ] || fail "$3"
}
#:
#: == 7. The links: model, evidence, card, objective, validation, request, decisions, deployments ==
#:
#: Every statement names the bytes that it is about by their SHA-256, and the statement that it rests on by the SHA-256 of
#: its envelope. The first lines below hold them to the files, the next to each other.
ABOUT='request|approval|question|return|rejection|deployment|revocation'
check_request() { # FILE of a request
    asked=$1 id=$(field "$1" request)
    [ -n "$id" ] && [ "$id" != - ] || fail "$asked names no request"
    IFS="$tab" read -r environment model tier of_ledger <"$work/said/${asked##*/}.asked"
    latest=$(of 'approval|question|return|rejection' "$id" | tail -n 1)
    used=$(subject "${latest:-$asked}" policy)
    read_policy "$used"
    tiers=$(tiers_of)
    read_rule
    expected=$(awk -F "$tab" '$1 ~ /^services\.[0-9]+\.roles\.[0-9]+$/ && $2 == "ledger" { split($1, p, "."); n = p[2] }
        { all[NR] = $1; is[NR] = $2 } END { for (i = 1; i <= NR; i++) if (n && all[i] == "services." n ".keys.1.public") print is[i] }' "$work/policy")
    same "${expected:-$ledger}" "$ledger" 'the policy names another ledger'
    same "$of_ledger" "$ledger" "$id was made in another ledger"
    : >"$work/signed-by"
    : >"$work/before"
    logged=0 limit=$(($(date +%s) + 600))
    while IFS="$tab" read -r _ file _ _ at _; do
        payload=$(digest "$work/said/${file##*/}")
        [ "$at" -le "$limit" ] && ! grep -qxF "$payload" "$work/before" || continue
        was=$logged
        [ "$at" -lt "$logged" ] || logged=$at
        if line=$(signer "$file"); then
            printf '%s\t%s\n' "$file" "$line" >>"$work/signed-by"
            printf '%s\n' "$payload" >>"$work/before"
        else
            logged=$was
        fi
    done <"$work/said/ALL"
    step "$id: $(wc -l <"$work/signed-by") statements are signed by keys of the policy"
    for file in $(of "$ABOUT" "$id"); do
        [ -n "$(name_of "$file")" ] || fail "$file does not count: nobody signed it whom the policy names for it and its day, or it stands twice"
    done
    [ "$(of request "$id")" = "$asked" ] || fail "$id was asked for twice"

    while IFS="$tab" read -r one named; do
        same "$named" "sha256:$(subject "$asked" "$one")" "$id names another $one than it signs"
    done <"$work/said/${asked##*/}.named"
    validation=$(envelope "$(subject "$asked" validation)")
    [ -n "$validation" ] || fail "the validation of $id is not in the bundle"
    [ -n "$(name_of "$validation")" ] || fail "$validation does not count: no runner signed it whom the policy names for its day"
    for one in model card evidence objective; do
        same "$(subject "$validation" $one)" "$(subject "$asked" $one)" "$id and its validation name another $one"
    done
    rules runner '' >"$work/runners"
    [ ! -s "$work/runners" ] || grep -qxF "$(name_of "$validation")" "$work/runners" || fail "$environment takes no validation by $(name_of "$validation")"
    folder=documents/$(subject "$asked" evidence | cut -c 1-12)
    for one in evidence.json card.json card.html objective.yaml; do [ -f "$folder/$one" ] || fail "$folder/$one is missing"; done
    same "$(digest "$folder/evidence.json")" "$(subject "$asked" evidence)" 'evidence.json is not what was signed'
    same "$(digest "$folder/card.json")" "$(subject "$asked" card)" 'card.json is not what was signed'
    same "$(digest "$folder/card.html")" "$(subject "$validation" card.html)" 'card.html is not what was signed'
    same "$(digest "$folder/objective.yaml")" "$(subject "$asked" objective)" 'objective.yaml is not what was signed'
    jq -r --slurpfile card "$folder/card.json" --slurpfile asked "$work/said/${asked##*/}" \
        --slurpfile checked "$work/said/${validation##*/}" '$card[0] as $card | $asked[0].predicate.request as $asked
        | $checked[0].predicate as $checked | .objective.content as $promised
        | if .subject.model.digest == $asked.digests.model and .objective.digest == $asked.digests.objective
        and $card.evidence == $asked.digests.evidence and .findings == $card.findings and .verdict == $card.verdict
        and .objective.name == $asked.objective and $checked.objective == $asked.objective
        and ($promised.model // $promised.name) == $asked.model and $checked.model == $asked.model
        and ($promised.endpoint // $promised.name) == $asked.endpoint
        and $promised.risk_tier == ($asked.risk_tier // "medium")
        and .run.attempt == $checked.attempt and .verdict.overall == $checked.overall and .verdict.gates == $checked.gates
        and ([.findings[] | select(.verdict) | {key: .id, value: .verdict}] | length == ($checked.gates | length)
            and from_entries == $checked.gates)
        and $checked.overall == (["fail", "not_evaluated", "inconclusive", "pass"] - (["fail", "not_evaluated", "inconclusive",
            "pass"] - [$checked.gates[]]) | first // "not_evaluated") then
        (.subject.notebooks[] | select(.executed_digest) | .executed_digest)
        else error("another") end' "$folder/evidence.json" >"$work/evidence" 2>"$work/complaint" ||
        fail "evidence, card, validation and request of $id tell different things"
    about "$validation" gate | sort >"$work/gates"
    sed "/^pass$tab/d; s/^inconclusive$tab/undecided$tab/; s/^not_evaluated$tab/undecided$tab/" "$work/gates" | sort >"$work/one"
    about "$asked" open | sort | cmp -s "$work/one" - || fail "$id hides a gate that did not pass"
    step "$id: objective, evidence and card are the signed ones, and tell the same"
    sort -u "$work/evidence" >"$work/told"
    find "$folder" -type f ! -path "$folder/objective.yaml" ! -path "$folder/evidence.json" ! -path "$folder/card.json" \
        ! -path "$folder/card.html" ! -path "$folder/card.md" ! -path "$folder/junit.xml" -exec sha256sum {} + |
        sed 's/^/sha256:/; s/ .*//' | sort -u >"$work/there"
    [ -z "$(comm -13 "$work/told" "$work/there")" ] || fail "$folder holds a file that is no notebook which the evidence names"
    left=$(comm -23 "$work/told" "$work/there" | wc -l)
    [ "$left" = 0 ] || note "$left executed notebooks are not in the bundle"
    step "$id: $(wc -l <"$work/there") executed notebooks are those that the evidence names"

    declared=
    : >"$work/makers"
    for file in $(of objective -); do
        [ "$(subject "$file" objective)" = "$(subject "$asked" objective)" ] && [ -n "$(name_of "$file")" ] || continue
        printf '%s\n' "$file" >>"$work/makers"
        declared=${declared:-$file}
    done
    [ -n "$declared" ] || fail "the objective of $id was never declared"
    same "$(about "$declared" names)" "$(about "$asked" names)" "the objective of $id was declared under another name, or for another model"
    [ "$(field "$declared" entry)" -lt "$(field "$validation" entry)" ] || [ "$(about "$declared" late)" = true ] ||
        fail "the objective of $id was declared after its results, and does not say so"
    printf '%s\n%s\n' "$asked" "$validation" >>"$work/makers"
    while read -r file; do person_of "$file"; done <"$work/makers" | sort -u >"$work/own-people"
    while read -r file; do key_of "$file"; done <"$work/makers" | sort -u >"$work/own-keys"
    step "$id: the objective was declared by $(person_of "$declared") before the validation by $(name_of "$validation")"

    for file in $(of deployment "$id"); do
        same "$(about "$file" place)" "$(about "$asked" place)" "$file is about another version or place"
        same "$(subject "$file" model)" "$(subject "$asked" model)" "$file is about another model"
        same "$(subject "$file" request)" "$(digest "$asked")" "$file rests on another request"
        for approval in $(about "$file" subject | sed -n "s/^approval.*$tab//p"); do
            [ -n "$(envelope "$approval")" ] || fail "$file rests on an approval that is not in the bundle"
        done
        [ "$(field "$file" action)" != started ] || approved "$file"
    done
    case "$(of deployment "$id" | while read -r file; do field "$file" action; done | tr '\n' ' ')" in
    '' | started* | refused* | held* | withdrawn*) ;;
    *) fail "$id went on without having been started" ;;
    esac
    [ -n "$(of deployment "$id")" ] || note "$id: nothing was deployed"
    for file in $(of revocation "$id"); do
        same "$(subject "$file" model)" "$(subject "$asked" model)" "$file is about another model"
        same "$(subject "$file" request)" "$(digest "$asked")" "$file is about another request"
        may_revoke "$file" || fail "$(person_of "$file") revoked $id, and neither asked for it nor decides on $environment"
        note "$id: revoked by $(person_of "$file") in entry $(field "$file" entry)"
    done
    printf '%s/\n' "$folder" >>"$work/mine"
    jq -r '.templates // {} | keys[] | "templates/card/" + .' "$folder/card.json" >>"$work/mine"
    printf '%s\n' "decisions/$id.txt" "decisions/$id.html" "policy/$used.toml" "policy/$used.toml.sig.json" >>"$work/mine"
    [ -z "$preset" ] || printf '%s\n' "policy/presets/$preset.toml" >>"$work/mine"
}
may_revoke() { # FILE: who asked for it, or a person who decides there
    [ "$(person_of "$1")" != "$(person_of "$asked")" ] || return 0
    roles "$(name_of "$1")" >"$work/roles"
    [ "$(signed "$1" kind)" = people ] && both "$work/deciders" "$work/roles"
}
#:
#: == 8. When the deployment started, enough others had approved ==
#:
#: The latest decision of each person counts; a rejection blocks. Nobody who asked, declared or validated may approve, by
#: person and by key. Gates that did not pass must have been acknowledged or waived, as the policy asks.
read_rule() { # makes by, also, deciders, waive-by and what becomes of gates that did not pass
    rules by validator >"$work/by"
    further >"$work/also"
    cut -f 2 "$work/also" | tr '|' '\n' | sort -u - "$work/by" >"$work/roles-that-count"
    rules waive_by '' >"$work/waive-by"
    [ -s "$work/waive-by" ] || cp "$work/roles-that-count" "$work/waive-by"
    approvals=$(rule approvals 1) days=$(rule expires_days 30) waiver_days=$(rule waiver_days '')
    inconclusive=$(rule inconclusive acknowledge) not_evaluated=$(rule not_evaluated acknowledge)
    failed=$(rule failed block) scan=$(rule scan waive)
    cp "$work/roles-that-count" "$work/deciders"
    case " $inconclusive $not_evaluated $failed $scan " in *' waive '*) cat "$work/waive-by" >>"$work/deciders" ;; esac
}
approved() { # FILE of the deployment that started
    before=$(field "$1" entry) now=$(field "$1" at)
    [ -z "$(of revocation "$id" | while read -r file; do [ "$(field "$file" entry)" -gt "$before" ] || echo "$file"; done)" ] ||
        fail "$id was revoked before it started"
    needs >"$work/needs"
    : >"$work/latest"
    for file in $(of 'approval|question|return|rejection' "$id"); do
        [ "$(field "$file" entry)" -lt "$before" ] || continue
        who=$(person_of "$file")
        roles "$(name_of "$file")" >"$work/roles"
        why=$(wrong "$file")
        if [ -n "$why" ]; then note "$file does not count: $why"; continue; fi
        awk -F "$tab" -v who="$who" '$1 != who' "$work/latest" >"$work/others"
        printf '%s\t%s\n' "$who" "$file" | cat "$work/others" - >"$work/latest"
    done
    : >"$work/acts"
    while IFS="$tab" read -r who file; do
        [ "$(field "$file" kind)" != rejection ] || fail "$who had rejected $id before it started"
        [ "$(field "$file" kind)" = approval ] || continue
        IFS="$tab" read -r from until <"$work/said/${file##*/}.days"
        last=$(($(field "$file" at) + days * 86400))
        { echo "$until" && echo "$last" && about "$file" waived | cut -f 1; } | sort -n >"$work/ends"
        read -r last <"$work/ends"
        if [ "$now" -lt "$from" ] || [ "$now" -ge "$last" ]; then
            note "$file does not count: it did not hold on that day"
            continue
        fi
        printf '%s\n' "$file" >>"$work/acts"
    done <"$work/latest"
    while read -r file; do about "$file" waived | cut -f 2; done <"$work/acts" >"$work/waived"
    while IFS="$tab" read -r need gate; do
        [ "$need" != block ] || fail "$id started although $environment takes no model with $gate"
        [ "$need" != waive ] || grep -qxF "$gate" "$work/waived" || fail "$id started although nobody had waived $gate"
    done <"$work/needs"
    while read -r file; do roles "$(name_of "$file")" | paste -s -d '|' -; done <"$work/acts" >"$work/signers"
    { [ "$approvals" = 0 ] || printf '%s\t%s\n' "$approvals" "$(paste -s -d '|' "$work/by")"; cat "$work/also"; } >"$work/groups"
    needed=$(awk -F "$tab" '{ n += $1 } END { print n + 0 }' "$work/groups")
    lacking=$(too_few)
    [ -z "$lacking" ] || fail "$id started with $lacking"
    step "$id: started in $environment; $needed had to approve, and did: $(while read -r file; do person_of "$file"; done <"$work/acts" | paste -s -d , -)"
}
needs() { # what the environment asks for each gate that did not pass, and for each finding of the file scan: NEED GATE
    while IFS="$tab" read -r verdict gate; do
        case $verdict in
        inconclusive) printf '%s\t%s\n' "$inconclusive" "$gate" ;;
        not_evaluated) printf '%s\t%s\n' "$not_evaluated" "$gate" ;;
        fail) printf '%s\t%s\n' "$failed" "$gate" ;;
        esac
    done <"$work/gates"
    [ "$scan" = allow ] || about "$asked" scan | sed "s/^/$scan$tab/"
}
wrong() { # FILE: why a decision by $who, who has $work/roles, counts for nothing
    for one in model card evidence objective; do
        [ "$(subject "$1" $one)" = "$(subject "$asked" $one)" ] || { echo "it was signed over another $one" && return; }
    done
    [ "$(subject "$1" request)" = "$(digest "$asked")" ] || { echo 'it was signed over another request' && return; }
    [ "$(about "$1" version)" = "$(about "$asked" version)" ] || { echo 'it names another version or environment' && return; }
    [ "$(field "$1" at)" -ge $(($(field "$asked" at) - 600)) ] || { echo 'it was signed before it was asked for' && return; }
    ! grep -qxF "$who" "$work/own-people" || { echo "$who made what it decides on" && return; }
    ! grep -qxF "$(key_of "$1")" "$work/own-keys" || { echo 'its key made what it decides on' && return; }
    both "$work/deciders" "$work/roles" || { echo "$who has no role for it" && return; }
    [ "$(field "$1" kind)" = approval ] || return 0
    earlier=$(awk -F "$tab" -v who="$who" '$1 == who { print $2 }' "$work/latest")
    [ -z "$earlier" ] || [ "$(field "$1" at)" -ge "$(field "$earlier" at)" ] ||
        { echo "$who decided otherwise after they signed it" && return; }
    signs=0 waives=0
    ! both "$work/roles-that-count" "$work/roles" || signs=1
    ! both "$work/waive-by" "$work/roles" || waives=1
    { sed "s/^/need$tab/" "$work/needs"; about "$1" seen | sed "s/^/seen$tab/"; about "$1" waived | sed "s/^/waived$tab/"; } |
        awk -F "$tab" -v at="$(field "$1" at)" -v days="$waiver_days" -v signs="$signs" -v waives="$waives" '
        $1 == "need" { need[$3] = $2; if ($2 == "block") why = "no approval takes a model with " $3 }
        $1 == "seen" { done[$2] = 1; if (!($2 in need)) why = $2 " asks for nothing"; else if (need[$2] == "waive") why = $2 " takes a waiver" }
        $1 == "waived" {
            if ($3 in waived) why = $3 " is waived twice"
            done[$3] = waived[$3] = 1
            if (!($3 in need)) why = $3 " asks for nothing"
            if (!waives) why = "its signer may waive nothing"
            if ($4 == "none") why = "the waiver of " $3 " has no reason"
            if ($2 + 0 <= at + 0) why = "the waiver of " $3 " had ended"
            if (days != "" && $2 + 0 > (int(at / 86400) + days) * 86400 + 86399) why = "the waiver of " $3 " is too long"
        }
        END {
            if (signs) for (gate in need) if (need[gate] == "acknowledge" && !(gate in done)) why = gate " was not acknowledged"
            if (why != "") print why
        }'
}
too_few() { # nobody fills two places: for every choice of groups, enough people hold a role of one of them
    awk -F "$tab" 'FILENAME == ARGV[1] { places[++groups] = $1; by[groups] = "|" $2 "|"; next } { roles[++people] = $1 }
        END { for (choice = 1; choice < 2 ^ groups; choice++) {
            asked = had = 0; named = ""; any = "|"
            for (i = 1; i <= groups; i++) if (int(choice / 2 ^ (i - 1)) % 2) { asked += places[i]; any = any by[i]; named = named " or " substr(by[i], 2, length(by[i]) - 2) }
            for (p = 1; p <= people; p++) { n = split(roles[p], role, "|"); for (r = 1; r <= n; r++) if (index(any, "|" role[r] "|")) { had++; break } }
            if (had < asked) { print had " of " asked " approvals by " substr(named, 5); exit }
        } }' "$work/groups" "$work/signers"
}
requests=$(cut -f 2,3 "$work/said/ALL" | sed -n "s/${tab}request\$//p")
[ -n "$requests" ] || fail 'the bundle holds no request'
: >"$work/mine"
for request in $requests; do check_request "$request"; done
jq -r '.requests[]' bundle.json 2>"$work/complaint" | sort >"$work/told"
for request in $requests; do field "$request" request; done | sort | cmp -s - "$work/told" || fail 'bundle.json names other requests'
while read -r name; do
    case $name in
    documents/*) grep -qxF "${name%"${name#documents/*/}"}" "$work/mine" ;;
    decisions/* | policy/* | templates/*) grep -qxF "$name" "$work/mine" ;;
    ledger/proofs/*) grep -q "^envelopes/${name##*/}-" "$work/found" ;;
    esac || fail "$name belongs to no statement of this bundle"
done <"$work/found"
#:
#: == 9. The model ==
#:
#: A model's digest is that of its manifest: one line for each file, SHA-256, two spaces, name, sorted by name. If you have
#: the model's folder, this gives the same:
#:
#: == find . -type f ! -path ./registered_model_meta -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum -- | sha256sum ==
set -- $requests
if [ -f model/MANIFEST ]; then
    for file in "$@"; do same "$(digest model/MANIFEST)" "$(subject "$file" model)" 'model/MANIFEST is of another model than was approved'; done
    step "model/MANIFEST is that of the approved model: sha256:$(digest model/MANIFEST)"
    if [ -d model/files ]; then
        (cd model/files && find . -type f -printf '%P\0' | sort -z | xargs -0 sha256sum --) >"$work/manifest"
        cmp -s "$work/manifest" model/MANIFEST || fail 'the files of the model are not those of its manifest'
        step "the model's files are those of its manifest"
    else
        note "the model's files are not in the bundle: hold yours to model/MANIFEST"
    fi
else
    note "the model's manifest is not in the bundle; its digest is sha256:$(subject "$1" model)"
fi
#:
#: == What this does and does not prove ==
cat <<END

This bundle holds. Proved: these documents are the ones that were signed; the keys that signed them are those of the
policy; whoever approved neither asked for it nor made it; all of it stands in the ledger of the key
$ledger, in this order.
Not proved: that the policy is the one of the organisation$([ "$copies" != 0 ] && printf ' (it is the one that you gave)' || printf ' (it came with the bundle: compare it with your own copy)');
that the ledger left nothing out or was not written anew by whoever holds its key (compare its checkpoint with one that you
have seen); that no other entry of the ledger is about this model (ask for all of them); that the numbers in the evidence
were measured as they say (nbdeploy audit verify --recompute does that from the tallies); what decisions/*.txt and
decisions/*.html say (they only retell the statements); that card.md and junit.xml say what card.json says (nbdeploy audit
verify makes all of these again); that nobody stole a key.
END
for file in policy/presets/*.toml; do [ ! -f "$file" ] || echo "Compare with the nbdeploy of that time: $(sha256sum "$file")"; done
