"""What the finished reports of the demo say, by the keys of the report's sections."""

REPORTS: dict[str, dict[str, str]] = {
    "normal_chest": {
        "technique": "<p>Chest, one PA view in inspiration.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>The lungs are clear. No consolidation, no nodule, no pleural effusion, no pneumothorax.</p>"
            "<p>The heart is of normal size and shape. Mediastinum and hila are unremarkable.</p>"
            "<p>No fracture. The soft tissues are unremarkable.</p>"
        ),
        "impression": "<p>Normal chest film.</p>",
    },
    "tb_contact": {
        "technique": "<p>Chest, one PA view in inspiration.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>No infiltrate in the upper lobes, no cavity, no enlarged hilar nodes, no effusion.</p>"
            "<p>The heart is of normal size.</p>"
        ),
        "impression": "<p>No sign of active or previous tuberculosis.</p>",
        "recommendation": "<p>Repeat the film in 3 months if the skin or blood test is positive.</p>",
    },
    "pneumonia": {
        "technique": "<p>Chest, one PA view in inspiration.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>Patchy consolidation in the <strong>right lower zone</strong>, with the right heart border "
            "partly lost.</p><p>No effusion, no pneumothorax. The left lung is clear.</p>"
            "<p>The heart is of normal size.</p>"
        ),
        "impression": "<p>Right middle and lower lobe pneumonia.</p>",
        "recommendation": "<p>Film after 6 weeks to show that it has cleared.</p>",
    },
    "effusion": {
        "technique": "<p>Chest, one PA view in inspiration.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>Left pleural effusion that hides the costophrenic angle and rises along the chest wall.</p>"
            "<p>The heart is enlarged (cardiothoracic ratio about 0.55). No consolidation.</p>"
        ),
        "impression": "<ol><li>Left pleural effusion.</li><li>Enlarged heart.</li></ol>",
        "recommendation": "<p>Echocardiography; ultrasound before puncture.</p>",
    },
    "nodule": {
        "technique": "<p>Chest, one PA view in inspiration.</p>",
        "comparison": "<p>None available.</p>",
        "findings": (
            "<p>Round nodule of about 21 mm in the <strong>left upper zone</strong>, not calcified.</p>"
            "<p>No enlarged hilar nodes, no effusion. The heart is of normal size.</p>"
        ),
        "impression": "<p>Nodule of the left upper zone, a tumour must be excluded.</p>",
        "recommendation": "<p>CT of the chest with contrast within two weeks.</p>",
    },
    "metacarpal_fracture": {
        "technique": "<p>Left hand, PA view.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>Fracture of the neck of the <strong>fifth metacarpal</strong> of the left hand, tilted to "
            "the palm by about 35 degrees.</p><p>The other bones and the joints are intact.</p>"
        ),
        "impression": "<p>Boxer’s fracture of the left hand.</p>",
        "recommendation": "<p>Hand surgeon today; control film after one week.</p>",
    },
    "normal_hand": {
        "technique": "<p>Right hand, PA view.</p>",
        "comparison": "<p>None.</p>",
        "findings": "<p>No fracture and no dislocation. Joint spaces and bone density are normal.</p>",
        "impression": "<p>No fracture of the right hand.</p>",
    },
    "normal_abdomen": {
        "technique": "<p>Ultrasound of the abdomen with a curved probe, fasting.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>Liver of normal size and even texture, no focal lesion. The bile ducts are not wide.</p>"
            "<p>The gallbladder has a thin wall and no stones.</p>"
            "<p>Right kidney of normal size, no stone and no congestion. No free fluid.</p>"
        ),
        "impression": "<p>Normal ultrasound of the upper abdomen, no gallstones.</p>",
    },
    "normal_kidneys": {
        "technique": "<p>Ultrasound of kidneys and bladder with a curved probe.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>Both kidneys are of normal size (right 9.9 cm, left 10.2 cm), with normal cortex.</p>"
            "<p>No stone, no congestion, no mass. The bladder wall is smooth.</p>"
        ),
        "impression": "<p>Normal kidneys and bladder.</p>",
        "recommendation": "<p>If the blood in the urine persists: cystoscopy.</p>",
    },
    "pregnancy": {
        "technique": "<p>Transabdominal ultrasound, second trimester.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>One living fetus, head down, regular heart beat of 146 per minute.</p>"
            "<p>Biparietal diameter 47 mm, head circumference 176 mm, femur 32 mm.</p>"
            "<p>The placenta lies at the back, clear of the cervix. Normal amount of fluid.</p>"
        ),
        "impression": "<p>Normal pregnancy of about 20 weeks, growth on the 50th centile.</p>",
        "recommendation": "<p>Next examination at 30 weeks.</p>",
    },
    "carotid": {
        "technique": "<p>Neck arteries with a linear probe, B-mode and colour Doppler.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>Small calcified plaque at the far wall of the right carotid bulb, with a short slow eddy.</p>"
            "<p>Forward flow in the common, internal and external carotid arteries of both sides.</p>"
        ),
        "impression": "<p>Plaque of the right carotid bulb, narrowing below 50 %.</p>",
        "recommendation": "<p>Treat the risk factors; control in one year.</p>",
    },
    "ct_normal": {
        "technique": "<p>Chest and abdomen, 5 mm slices in the portal venous phase, done elsewhere.</p>",
        "comparison": "<p>None.</p>",
        "findings": (
            "<p>Chest: no nodule, no consolidation, no effusion, no enlarged nodes.</p>"
            "<p>Abdomen: liver, spleen, pancreas and kidneys without a focal lesion.</p>"
        ),
    },
}
