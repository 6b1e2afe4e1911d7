from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE SEQUENCE scheduling_accession_number AS bigint", "DROP SEQUENCE scheduling_accession_number")
    ]
