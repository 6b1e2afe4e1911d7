from django.db import migrations


def keep_questions(apps, schema_editor):
    """Questions that were texts of one procedure become questions that procedures share."""
    question = apps.get_model("scheduling", "SafetyQuestion")
    for procedure in apps.get_model("scheduling", "Procedure").objects.exclude(question_texts=[]):
        for text in procedure.question_texts:
            procedure.safety_questions.add(question.objects.get_or_create(text=text[:200])[0])


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0011_whole_schedule")]
    operations = [migrations.RunPython(keep_questions, migrations.RunPython.noop, elidable=True)]
