"""Duplicates and misspelled names are found through exact keys, which stay fast where names are common."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.expressions
from django.db import migrations, models

# Names by their sound, two at a time; each with the year of birth; each with the day of birth. The first
# of January is no day: who does not know the birthday is given it. COLLATE: the two of a pair have one
# order whatever the database's language is.
MATCH_KEYS = r"""
CREATE FUNCTION patients_match_keys(name text, born date, known_to text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    codes text[];
    keys text[] := '{}';
    day text := '';
BEGIN
    SELECT array_agg(DISTINCT code COLLATE "C" ORDER BY code COLLATE "C") INTO codes
    FROM (
        SELECT coalesce(nullif(dmetaphone(word), ''), upper(left(word, 4))) AS code
        FROM regexp_split_to_table(name, ' ') AS word WHERE word ~ '^[a-z]+$' LIMIT 8
    ) AS found;
    IF codes IS NULL THEN
        RETURN keys;
    END IF;
    IF cardinality(codes) = 1 THEN
        keys := codes;
    END IF;
    IF born IS NOT NULL AND known_to = 'day' AND NOT (extract(month FROM born) = 1 AND extract(day FROM born) = 1) THEN
        day := '/' || lpad(extract(month FROM born)::int::text, 2, '0') || lpad(extract(day FROM born)::int::text, 2, '0');
    END IF;
    FOR i IN 1 .. cardinality(codes) LOOP
        FOR j IN i + 1 .. cardinality(codes) LOOP
            keys := keys || (codes[i] || ' ' || codes[j]);
        END LOOP;
        IF born IS NOT NULL THEN
            keys := keys || (codes[i] || extract(year FROM born)::int::text);
        END IF;
        IF day <> '' THEN
            keys := keys || (codes[i] || day);
        END IF;
    END LOOP;
    RETURN keys;
END
$$
"""

# Every word of any patient's name. Two registrations may note the same word at once: a word twice is no
# harm, a deadlock would be, so there is no unique constraint to wait for.
NOTE_WORDS = """
CREATE FUNCTION patients_note_words() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO patients_nameword (word)
    SELECT DISTINCT found.word FROM regexp_split_to_table(NEW.name_key, ' ') AS found(word)
    WHERE length(found.word) BETWEEN 2 AND 64
        AND NOT EXISTS (SELECT FROM patients_nameword AS known WHERE known.word = found.word);
    RETURN NULL;
END
$$;
CREATE TRIGGER patients_note_words AFTER INSERT OR UPDATE OF name_key ON patients_patient
    FOR EACH ROW EXECUTE FUNCTION patients_note_words();
CREATE TRIGGER patients_note_words AFTER INSERT OR UPDATE OF name_key ON patients_othername
    FOR EACH ROW EXECUTE FUNCTION patients_note_words();
INSERT INTO patients_nameword (word)
SELECT DISTINCT found.word
FROM (SELECT name_key FROM patients_patient UNION ALL SELECT name_key FROM patients_othername) AS names,
    regexp_split_to_table(name_key, ' ') AS found(word)
WHERE length(found.word) BETWEEN 2 AND 64;
"""

class Migration(migrations.Migration):
    dependencies = [("patients", "0010_merges_names_documents")]

    operations = [
        migrations.RunSQL(MATCH_KEYS, "DROP FUNCTION patients_match_keys(text, date, text)"),
        migrations.AddField(
            "patient",
            "match_keys",
            models.GeneratedField(
                db_persist=True,
                expression=django.db.models.expressions.Func(
                    models.F("name_key"),
                    models.F("birth_date"),
                    models.F("birth_precision"),
                    function="patients_match_keys",
                ),
                output_field=django.contrib.postgres.fields.ArrayField(models.TextField()),
            ),
        ),
        migrations.AddIndex(
            "patient",
            django.contrib.postgres.indexes.GinIndex(
                fields=["match_keys"], fastupdate=False, name="patient_match_keys"
            ),
        ),
        migrations.AddField(
            "othername",
            "match_keys",
            models.GeneratedField(
                db_persist=True,
                expression=django.db.models.expressions.Func(
                    models.F("name_key"),
                    models.Value(None, output_field=models.DateField()),
                    models.Value(""),
                    function="patients_match_keys",
                ),
                output_field=django.contrib.postgres.fields.ArrayField(models.TextField()),
            ),
        ),
        migrations.AddIndex(
            "othername",
            django.contrib.postgres.indexes.GinIndex(
                fields=["match_keys"], fastupdate=False, name="other_name_match_keys"
            ),
        ),
        migrations.RemoveIndex("patient", "patient_name_trigram"),
        migrations.AddIndex(
            "patient",
            django.contrib.postgres.indexes.GinIndex(
                fields=["name_key"],
                opclasses=["gin_trgm_ops"],
                fastupdate=False,
                name="patient_name_trigram",
            ),
        ),
        migrations.RemoveIndex("patient", "patient_phone_trigram"),
        migrations.AddIndex(
            "patient",
            django.contrib.postgres.indexes.GinIndex(
                fields=["phone"], opclasses=["gin_trgm_ops"], fastupdate=False, name="patient_phone_trigram"
            ),
        ),
        migrations.RemoveIndex("patient", "patient_phone"),
        migrations.AddIndex(
            "patient",
            models.Index(
                fields=["phone"],
                opclasses=["varchar_pattern_ops"],
                condition=models.Q(("phone", ""), _negated=True),
                name="patient_phone",
            ),
        ),
        migrations.CreateModel(
            name="NameWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("word", models.CharField(max_length=64)),
                (
                    "code",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.Func(models.F("word"), function="dmetaphone"),
                        output_field=models.CharField(max_length=8),
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["word"], name="name_word"),
                    models.Index(fields=["code"], name="name_word_code"),
                ]
            },
        ),
        migrations.RunSQL(
            NOTE_WORDS,
            "DROP TRIGGER patients_note_words ON patients_othername; "
            "DROP TRIGGER patients_note_words ON patients_patient; DROP FUNCTION patients_note_words()",
        ),
    ]
