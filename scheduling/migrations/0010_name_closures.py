from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0030_imported_visits")]
    operations = [migrations.RenameModel("StationClosure", "Closure")]
