#!/bin/sh
# A second implementation of our formats: sha256sum, jq, openssl, base64 and coreutils. It reads none of our code.
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tab=$(printf '\t')
ok() { printf 'ok    %s\n' "$*"; }
fail() {
    printf 'FAIL  %s\n' "$*"
    exit 1
}
same() { [ -n "$1" ] && [ "$1" = "$2" ] || fail "$3: $1 is not $2"; }
sha() {
    sum=$(sha256sum)
    printf '%s\n' "${sum%% *}"
}
unhex() { tr 'a-f' 'A-F' | basenc --base16 -d; }
public() { awk -F "$tab" -v name="$1" '$1 == name { print $2 }' keys.tsv; }
holds() { # NAME MESSAGE SIGNATURE, of a test key
    key=$(public "$1")
    { printf 302a300506032b6570032100 | unhex; printf '%s' "${key#ed25519:}" | base64 -d; } >"$work/der"
    openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$work/der" -in "$2" -sigfile "$3" >/dev/null 2>&1
}

# A model: one line for each file, sorted by name; its digest is that of these lines.
(cd model && find . -type f ! -path ./registered_model_meta -printf '%P\0' | sort -z | xargs -0 sha256sum --) >"$work/manifest"
cmp -s "$work/manifest" model.manifest || fail 'model.manifest'
same "sha256:$(sha <model.manifest)" "$(cat model.digest)" 'model.digest'
ok "model: $(cat model.digest)"

# A policy: the digest of its file.
same "sha256:$(sha <policy.toml)" "$(cat policy.digest)" 'policy.digest'
ok "policy: $(cat policy.digest)"

# A tally: counts of label and decision by group, which add up to its rows; its rates follow.
jq -e '.rows == ([.cells[].n] | add)' tally.json >/dev/null || fail 'tally.json does not add up'
same "$(jq -r '[.cells[] | select(.group.sex == "F")] | (map(select(.predicted == 1).n) | add) / (map(.n) | add)' tally.json)" 0.51 'rate of F'
ok "tally: $(jq .rows tally.json) rows"

# An envelope: DSSE over an in-toto statement.
for file in envelopes/*.json; do
    kind=$(basename "$file" .json | cut -d - -f 2)
    jq -r .payload "$file" | base64 -d >"$work/payload"
    jq -e --arg kind "$kind" '._type == "https://in-toto.io/Statement/v1" and ((.predicate.decision // $kind) == $kind)' \
        "$work/payload" >/dev/null || fail "$file is no $kind"
    case $kind in
    objective | request) by=author ;; validation) by=runner ;; deployment) by=deployer ;; *) by=validator ;;
    esac
    { printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$(wc -c <"$work/payload")"; cat "$work/payload"; } >"$work/pae"
    jq -r '.signatures[0].sig' "$file" | base64 -d >"$work/sig"
    holds "$by" "$work/pae" "$work/sig" || fail "$file: the signature does not hold"
    key=$(public "$by")
    same "$(jq -r '.signatures[0].keyid' "$file")" "$(printf '%s' "${key#ed25519:}" | base64 -d | sha)" "$file: key id"
    ok "$kind is signed by $by"
done
link() { # FILE SUBJECT OTHER: FILE names the envelope OTHER
    same "$(jq -r .payload "$1" | base64 -d | jq -r ".subject[] | select(.name == \"$2\").digest.sha256")" "$(sha <"$3")" "$1: $2"
}
link envelopes/2-request.json validation envelopes/1-validation.json
for file in envelopes/[3-8]-*.json; do link "$file" request envelopes/2-request.json; done
link envelopes/7-deployment.json approval-1 envelopes/6-approval.json
ok 'each statement names the envelope that it rests on'

# The tree over the envelopes: RFC 6962, by its own recursive words.
count=0
for file in envelopes/*.json; do
    { printf '\000'; cat "$file"; } | sha >"$work/leaf.$count"
    count=$((count + 1))
done
node() { # LEFT RIGHT; the same nodes come again in many proofs
    known="$work/node.$1.$2"
    [ -f "$known" ] || printf '01%s%s' "$1" "$2" | unhex | sha >"$known"
    read -r found <"$known"
    printf '%s\n' "$found"
}
root() { # START STOP
    if [ $(($2 - $1)) = 1 ]; then
        cat "$work/leaf.$1"
        return
    fi
    split=1
    while [ $((split * 2)) -lt $(($2 - $1)) ]; do split=$((split * 2)); done
    node "$(root "$1" $(($1 + split)))" "$(root $(($1 + split)) "$2")"
}
while read -r size told; do
    root 0 "$size" >"$work/root.$size"
    same "$(cat "$work/root.$size")" "$told" "root of $size"
done <roots.tsv
ok "roots of $count trees"

while read -r index size path; do # RFC 9162, section 2.1.3.2
    at=$index last=$((size - 1)) found=$(cat "$work/leaf.$index")
    for half in $path; do
        if [ $((at % 2)) = 1 ] || [ "$at" = "$last" ]; then
            found=$(node "$half" "$found")
            while [ $((at % 2)) = 0 ] && [ "$at" -gt 0 ]; do at=$((at / 2)) last=$((last / 2)); done
        else
            found=$(node "$found" "$half")
        fi
        at=$((at / 2)) last=$((last / 2))
    done
    same "$last $found" "0 $(cat "$work/root.$size")" "entry $index of $size"
done <inclusion.tsv
ok "$(wc -l <inclusion.tsv) inclusion proofs"

while read -r first size path; do # RFC 9162, section 2.1.4.2
    [ $((first & (first - 1))) != 0 ] || path="$(cat "$work/root.$first") $path"
    at=$((first - 1)) last=$((size - 1)) old=
    while [ $((at % 2)) = 1 ]; do at=$((at / 2)) last=$((last / 2)); done
    for half in $path; do
        if [ -z "$old" ]; then
            old=$half new=$half
            continue
        fi
        if [ $((at % 2)) = 1 ] || [ "$at" = "$last" ]; then
            old=$(node "$half" "$old") new=$(node "$half" "$new")
            while [ $((at % 2)) = 0 ] && [ "$at" -gt 0 ]; do at=$((at / 2)) last=$((last / 2)); done
        else
            new=$(node "$new" "$half")
        fi
        at=$((at / 2)) last=$((last / 2))
    done
    same "$last $old $new" "0 $(cat "$work/root.$first") $(cat "$work/root.$size")" "$first of $size"
done <consistency.tsv
ok "$(wc -l <consistency.tsv) consistency proofs"

# A checkpoint: C2SP signed note.
sed '/^$/,$d' checkpoint >"$work/note"
same "$(sed -n 2p checkpoint)" "$count" 'size of the checkpoint'
same "$(sed -n 3p checkpoint | base64 -d | od -An -v -tx1 | tr -d ' \n')" "$(cat "$work/root.$count")" 'root of the checkpoint'
sed '1,/^$/d' checkpoint | cut -d ' ' -f 3 | base64 -d >"$work/signed"
key=$(public ledger)
hash=$({ printf 'nbdeploy/ledger\n\001'; printf '%s' "${key#ed25519:}" | base64 -d; } | sha | cut -c 1-8)
same "$(head -c 4 "$work/signed" | od -An -v -tx1 | tr -d ' \n')" "$hash" 'key hash of the checkpoint'
tail -c +5 "$work/signed" >"$work/sig"
holds ledger "$work/note" "$work/sig" || fail 'the signature of the checkpoint does not hold'
ok "checkpoint: $(sed -n 4p checkpoint)"
