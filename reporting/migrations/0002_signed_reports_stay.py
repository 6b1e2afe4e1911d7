"""What is signed cannot be changed, not even by plain SQL of the application's own database user."""

from django.db import migrations

PROTECT = """
CREATE FUNCTION reporting_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Only the PDF is written afterwards, once, by the worker.
        IF OLD.pdf = '' AND (to_jsonb(NEW) - 'pdf' - 'pdf_sha256' - 'pdf_problem')
                          = (to_jsonb(OLD) - 'pdf' - 'pdf_sha256' - 'pdf_problem') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'A signed report cannot be changed.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER reporting_version_no_change BEFORE UPDATE OR DELETE ON reporting_reportversion
    FOR EACH ROW EXECUTE FUNCTION reporting_version_stays();
CREATE TRIGGER reporting_version_no_truncate BEFORE TRUNCATE ON reporting_reportversion
    FOR EACH STATEMENT EXECUTE FUNCTION reporting_version_stays();

CREATE FUNCTION reporting_final_report_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'final' THEN
        RAISE EXCEPTION 'A signed report cannot be changed.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reporting_report_no_change BEFORE UPDATE OR DELETE ON reporting_report
    FOR EACH ROW EXECUTE FUNCTION reporting_final_report_stays();

CREATE FUNCTION reporting_final_images_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint[];
BEGIN
    IF TG_OP <> 'INSERT' THEN touched := array_append(touched, OLD.report_id); END IF;
    IF TG_OP <> 'DELETE' THEN touched := array_append(touched, NEW.report_id); END IF;
    IF EXISTS (SELECT 1 FROM reporting_report WHERE id = ANY (touched) AND status = 'final') THEN
        RAISE EXCEPTION 'A signed report cannot be changed.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reporting_image_no_change BEFORE INSERT OR UPDATE OR DELETE ON reporting_reportimage
    FOR EACH ROW EXECUTE FUNCTION reporting_final_images_stay();
"""
RELEASE = """
DROP TRIGGER reporting_image_no_change ON reporting_reportimage;
DROP TRIGGER reporting_report_no_change ON reporting_report;
DROP TRIGGER reporting_version_no_truncate ON reporting_reportversion;
DROP TRIGGER reporting_version_no_change ON reporting_reportversion;
DROP FUNCTION reporting_final_images_stay();
DROP FUNCTION reporting_final_report_stays();
DROP FUNCTION reporting_version_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("reporting", "0001_initial")]
    operations = [migrations.RunSQL(PROTECT, RELEASE)]
